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

}  // namespace interop::stock
