// Objects live until the last reference is given back, however often they were sent.
#include <memory>
#include <vector>

#include "interop/stock_checks.h"

namespace interop::stock {
namespace {

constexpr int kTimes = 5;

Worker::Client Again(Checks& c) {
  return c.worker().againRequest().send().wait(c.wait()).getWorker();
}

bool TheServersLivesUntilTheLast(Checks& c) {
  std::vector<Worker::Client> same;
  same.push_back(c.worker().getRequest().send().wait(c.wait()).getWorker());
  for (int i = 1; i < kTimes; ++i) same.push_back(Again(c));
  while (same.size() > 1) {
    same.pop_back();
    if (c.Living() != 1 || c.Calculate(same.back(), 1) != 2) return false;
  }
  same.clear();
  c.AwaitNoneLiving();
  return true;
}

bool TheServersOutlivesReleasesThatCrossIt(Checks& c) {
  kj::Maybe<Worker::Client> held = c.worker().getRequest().send().wait(c.wait()).getWorker();
  for (int i = 0; i < 100; ++i) {
    auto again = c.worker().againRequest().send();
    held = nullptr;
    // A server that takes the release before it runs the call no longer has the object.
    if (kj::runCatchingExceptions([&] { held = again.wait(c.wait()).getWorker(); }) != nullptr) {
      held = c.worker().getRequest().send().wait(c.wait()).getWorker();
    }
  }
  KJ_IF_MAYBE (worker, held) {
    if (c.Living() != 1 || c.Calculate(*worker, 1) != 2) return false;
  }
  held = nullptr;
  c.AwaitNoneLiving();
  return true;
}

bool OursLivesUntilTheLast(Checks& c) {
  const auto heard = std::make_shared<Heard>();
  {
    Listener::Client ours = kj::heap<StockListener>(heard);
    for (int i = 0; i < kTimes; ++i) {
      auto request = c.worker().keepRequest();
      request.setListener(ours);
      request.send().wait(c.wait());
    }
  }
  for (int i = 0; i < kTimes; ++i) {
    c.Calculate(c.worker(), 1);  // behind what the server may have given back
    if (heard->gone) return false;
    auto dropped = c.worker().dropRequest().send().wait(c.wait());
    if (dropped.getReply() != "heard goodbye") return false;
  }
  while (!heard->gone) c.Calculate(c.worker(), 1);
  return heard->texts.size() == kTimes;
}

}  // namespace

void CheckReleases(Checks& c) {
  c.Check("the server's object lives until the last reference is given back",
          [&] { return TheServersLivesUntilTheLast(c); });
  c.Check("the server's object outlives releases that cross it",
          [&] { return TheServersOutlivesReleasesThatCrossIt(c); });
  c.Check("our object lives until the server gives the last reference back",
          [&] { return OursLivesUntilTheLast(c); });
}

}  // namespace interop::stock
