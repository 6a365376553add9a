// Calls that are dropped end where they wait, however far away that is.
#include <memory>

#include "interop/stock_checks.h"
#include "interop/stock_worker.h"

namespace interop::stock {
namespace {

// Makes a call of wait, lets it begin, and drops it.
bool BeginAndDrop(Checks& c, kj::Maybe<Worker::Client> over) {
  const auto heard = std::make_shared<Heard>();
  auto begun = kj::newPromiseAndFulfiller<void>();
  heard->first = kj::mv(begun.fulfiller);
  auto request = c.worker().waitRequest();
  Listener::Client listener = kj::heap<StockListener>(heard);
  request.setListener(listener);
  KJ_IF_MAYBE (worker, over) {
    request.setOver(*worker);
  }
  auto call = request.send();
  begun.promise.wait(c.wait());
  return heard->texts.front() == "waiting" && !call.poll(c.wait());
}

void AwaitNoneWaiting(Checks& c) {
  while (c.worker().waitingRequest().send().wait(c.wait()).getCount() != 0) {
  }
}

}  // namespace

void CheckCancellation(Checks& c) {
  c.Check("a call that is dropped ends in the server", [&] {
    if (!BeginAndDrop(c, nullptr)) return false;
    AwaitNoneWaiting(c);
    return true;
  });
  c.Check("so does what the server called for it, here", [&] {
    if (!BeginAndDrop(c, NewWorker())) return false;
    while (WaitingCalls() != 0) c.Calculate(c.worker(), 1);
    AwaitNoneWaiting(c);
    return true;
  });
}

}  // namespace interop::stock
