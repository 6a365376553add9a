// The order of calls on a listener that is passed to the other side and comes back as a promise,
// before and after that turns out to be an object of the caller.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "interop/interop_fixture.h"

namespace drover::interop {
namespace {

constexpr uint32_t kCalls = 100;

// Calls the listener through what it came back as.
class OrderOfCalls {
 public:
  ListenerProxy ours() const { return ListenerProxy(listener_); }

  void Call(const ListenerProxy& listener) {
    for (uint32_t i = 0; i < kCalls; ++i) {
      answers_.push_back(listener.async().Heard(std::to_string(made_.size())));
      made_.push_back(std::to_string(made_.size()));
    }
  }
  // While it is a promise, and once it is known.
  void CallBeforeAndAfter(Future<ListenerProxy> passed) {
    const ListenerProxy promise = passed.Pipeline();
    Call(promise);
    const absl::StatusOr<ListenerProxy> known = passed.Get();
    ASSERT_TRUE(known.ok()) << known.status();
    Call(*known);
    Call(promise);
    ExpectKept();
  }
  void ExpectKept() {
    for (auto& answer : answers_) EXPECT_EQ(answer.Get().status(), absl::OkStatus());
    EXPECT_EQ(listener_->heard(), made_);
  }

 private:
  const std::shared_ptr<Listener> listener_ = std::make_shared<Listener>();
  std::vector<std::string> made_;
  std::vector<Future<std::string>> answers_;
};

TEST_P(StockClientOfDrover, KeepsTheOrderOfCallsOnWhatComesBack) {
  ServeWorker();
  EXPECT_EQ(Run("order"), kAllHeld);
}

TEST_P(StockClientOfDrover, KeepsTheOrderOfCallsOverAStockNeighbour) {
  StockServer neighbour(Endpoint("neighbour"));
  ServeWorker({.neighbour = Connect<WorkerProxy>(neighbour.endpoint())});
  EXPECT_EQ(Run("order over neighbour"), kAllHeld);
}

TEST_P(StockClientOfDrover, KeepsTheOrderOfCallsOverADroverNeighbour) {
  auto neighbour = Serve(Endpoint("neighbour"), std::make_shared<Worker>());
  ASSERT_TRUE(neighbour.ok()) << neighbour.status();
  ServeWorker({.neighbour = Connect<WorkerProxy>(neighbour->endpoint())});
  EXPECT_EQ(Run("order over neighbour"), kAllHeld);
}

TEST_P(DroverProxyOfStock, KeepsTheOrderOfCallsOnWhatComesBack) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  OrderOfCalls order;
  order.CallBeforeAndAfter(worker.async().Pass(order.ours(), {}));
}

// The stock server passes it on to a worker of ours, and returns the promise of what that returns.
TEST_P(DroverProxyOfStock, KeepsTheOrderOfCallsOverAWorkerOfOurs) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  OrderOfCalls order;
  order.CallBeforeAndAfter(worker.async().Pass(order.ours(), std::make_shared<Worker>()));
}

// Holds every call of pass until the gate is open.
class LateWorker final : public WorkerServant {
 public:
  explicit LateWorker(Gate gate) : gate_(std::move(gate)) {}
  absl::StatusOr<ListenerProxy> Pass(ListenerProxy listener, WorkerProxy) override {
    DROVER_RETURN_IF_ERROR(gate_.Pass());
    return listener;
  }

 private:
  Gate gate_;
};

// What the stock server returned is still a promise then, which it resolves later.
TEST_P(DroverProxyOfStock, KeepsTheOrderOfCallsOnAPromiseThatIsResolvedLate) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  OrderOfCalls order;
  Gate gate;
  auto passed = worker.async().Pass(order.ours(), std::make_shared<LateWorker>(gate));
  const ListenerProxy promise = passed.Pipeline();
  order.Call(promise);
  const ListenerProxy returned = passed.Get().value();
  order.Call(returned);
  gate.AwaitArrivals(1);
  gate.Open();
  order.Call(promise);
  order.Call(returned);
  order.ExpectKept();
}

// The first server on the way is Drover's: one of the stock runtime 0.9.2 ends the connection when
// a Disembargo reaches it while it waits for one of its own.
TEST_P(DroverProxyOfStock, KeepsTheOrderOfCallsOverADroverServerBeforeIt) {
  StockServer server(Endpoint());
  auto before = Serve(Endpoint("before"),
                      std::make_shared<Worker>(
                          Worker::Options{.neighbour = Connect<WorkerProxy>(server.endpoint())}));
  ASSERT_TRUE(before.ok()) << before.status();
  const WorkerProxy worker =
      Connect<WorkerProxy>(before->endpoint()).async().Neighbour().Pipeline();
  OrderOfCalls order;
  order.CallBeforeAndAfter(worker.async().Pass(order.ours(), {}));
}

}  // namespace
}  // namespace drover::interop
