// How long calls and objects live: calls end where they wait when they are dropped, objects when
// the last reference is given back, however often they were sent.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "interop/interop_fixture.h"

namespace drover::interop {
namespace {

constexpr int kTimes = 5;

TEST_P(StockClientOfDrover, CancelsWhatItDrops) {
  ServeWorker();
  EXPECT_EQ(Run("cancellation"), kAllHeld);
}

TEST_P(StockClientOfDrover, GivesAndTakesReferencesBackOneByOne) {
  ServeWorker();
  EXPECT_EQ(Run("releases"), kAllHeld);
}

TEST_P(DroverProxyOfStock, CancelsWhatItDrops) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  Gate gate;
  gate.Open();
  {
    auto dropped = worker.async().Wait(std::make_shared<Listener>(gate), {});
    gate.AwaitArrivals(1);
    EXPECT_EQ(worker.Waiting().value(), 1u);
  }
  while (worker.Waiting().value() != 0) {
  }
}

TEST_P(DroverProxyOfStock, HasItsCallbacksCancelledWithTheCall) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  Gate gate;
  auto waits = worker.async().Wait(std::make_shared<Listener>(gate), {});
  gate.AwaitArrivals(1);
  waits.Cancel();
  gate.AwaitCancellations(1);
  EXPECT_EQ(waits.Get().code(), absl::StatusCode::kCancelled);
}

TEST_P(DroverProxyOfStock, HoldsTheServersObjectUntilItsLastReferenceGoes) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  std::vector<WorkerProxy> same = {worker.Get().value()};
  for (int i = 1; i < kTimes; ++i) same.push_back(worker.Again().value());
  while (same.size() > 1) {
    same.pop_back();
    EXPECT_EQ(worker.Living().value(), 1u);
    EXPECT_EQ(same.back().Calculate(1).value(), 2u);
  }
  same.clear();
  while (worker.Living().value() != 0) {
  }
}

TEST_P(DroverProxyOfStock, HoldsTheServersObjectThoughReleasesCrossIt) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  WorkerProxy held = worker.Get().value();
  for (int i = 0; i < 100; ++i) {
    auto again = worker.async().Again();
    held = WorkerProxy();
    held = again.Get().value();
  }
  EXPECT_EQ(worker.Living().value(), 1u);
  EXPECT_EQ(held.Calculate(1).value(), 2u);
  held = WorkerProxy();
  while (worker.Living().value() != 0) {
  }
}

TEST_P(DroverProxyOfStock, KeepsItsObjectUntilTheServerGivesTheLastReferenceBack) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  Future<void> gone;
  {
    auto listener = std::make_shared<Listener>();
    gone = listener->Gone();
    for (int i = 0; i < kTimes; ++i) EXPECT_EQ(worker.Keep(listener), absl::OkStatus());
  }
  for (int i = 0; i < kTimes; ++i) {
    EXPECT_EQ(worker.Calculate(1).value(), 2u);  // behind what the server may have given back
    EXPECT_FALSE(gone.ready());
    EXPECT_EQ(worker.Drop().value(), "heard goodbye");
  }
  EXPECT_EQ(gone.Get(), absl::OkStatus());
}

}  // namespace
}  // namespace drover::interop
