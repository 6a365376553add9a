// A worker of ours that the server asks answers by a tail call: the server's own worker gives the
// answer in its place.
#include "interop/stock_checks.h"
#include "interop/stock_worker.h"

namespace interop::stock {
namespace {

using Delegation = capnp::Request<Worker::DelegateParams, Worker::DelegateResults>;

// The server asks us, and we another worker of the server.
Delegation DelegateThere(Checks& c, uint32_t x, Worker::Client other) {
  auto request = c.worker().delegateRequest();
  request.setX(x);
  auto to = request.initTo(2);
  to.set(0, NewWorker());
  to.set(1, other);
  return request;
}

constexpr size_t kMuch = 1 << 20;

// Answers with much, or fails.
class TalkativeListener final : public Listener::Server {
 protected:
  kj::Promise<void> heard(HeardContext context) override {
    if (context.getParams().getText() == "fail") {
      return KJ_EXCEPTION(OVERLOADED, "too much of it");
    }
    context.getResults().initReply(kMuch);
    return kj::READY_NOW;
  }
};

// The server is given a listener of ours, and we call what it gives back before that is here.
kj::Promise<capnp::Response<Listener::HeardResults>> HeardThere(Checks& c, const char* text) {
  auto pass = c.worker().passRequest();
  pass.setListener(kj::heap<TalkativeListener>());
  auto heard = pass.send().getListener().heardRequest();
  heard.setText(text);
  return heard.send();
}

Worker::Client Other(Checks& c) { return c.worker().getRequest().send().getWorker(); }

}  // namespace

void CheckTailCalls(Checks& c) {
  c.Check("the answer is that of the last",
          [&] { return DelegateThere(c, 1, Other(c)).send().wait(c.wait()).getY() == 2; });
  c.Check("an object in the answer is called, and released", [&] {
    {
      auto answer = DelegateThere(c, 1, Other(c)).send().wait(c.wait());
      if (c.Calculate(answer.getBy(), 2) != 3 || c.Living() == 0) return false;
    }
    c.AwaitNoneLiving();
    return true;
  });
  c.Check("an object in the answer is called before that is there",
          [&] { return c.Calculate(DelegateThere(c, 1, Other(c)).send().getBy(), 3) == 4; });
  c.Check("a failure of the last is that of the call", [&] {
    auto listener = c.worker().openRequest().send().getSink().castAs<Worker>();
    return c.Fails(DelegateThere(c, 1, listener).send().ignoreResult(),
                   kj::Exception::Type::UNIMPLEMENTED);
  });
}

void CheckTailCallsBack(Checks& c) {
  c.Check("a worker of ours answers by a tail call",
          [&] { return DelegateThere(c, 1, Other(c)).send().wait(c.wait()).getY() == 2; });
  c.Check("the answer of an object of ours does not travel there and back",
          [&] { return HeardThere(c, "x").wait(c.wait()).getReply().size() == kMuch; });
  c.Check("its failure is that of the call", [&] {
    return c.Fails(HeardThere(c, "fail"), kj::Exception::Type::OVERLOADED, "too much");
  });
  c.Check("calls go on after one was cancelled", [&] {
    { auto cancelled = HeardThere(c, "x"); }
    return HeardThere(c, "x").wait(c.wait()).getReply().size() == kMuch;
  });
}

}  // namespace interop::stock
