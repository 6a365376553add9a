// Tail calls of the stock runtime: it answers a call of Drover's by a call back to Drover, whose
// results never leave the process.
#include <memory>
#include <vector>

#include "interop/interop_fixture.h"

namespace drover::interop {
namespace {

// Nothing that it says could pass through the stock runtime unchanged.
class Failing final : public WorkerServant {
 public:
  absl::StatusOr<WorkerDelegateResults> Delegate(uint32_t, std::vector<WorkerProxy>) override {
    return absl::DataLossError("gone");
  }
};

// The stock client's worker makes the tail calls.
TEST_P(StockClientOfDrover, AnswersByTailCalls) {
  ServeWorker();
  EXPECT_EQ(Run("tail calls"), kAllHeld);
}

// Drover makes them, so its limit for messages is not touched by what the stock client answers.
TEST_P(StockClientOfDrover, IsAnsweredByTailCallsOnceItHasMadeOne) {
  ServeWorker({}, {.max_message_bytes = 64 << 10, .limits = kWithFds});
  EXPECT_EQ(Run("tail calls back"), kAllHeld);
}

TEST_P(DroverProxyOfStock, IsAnsweredByATailCall) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  const WorkerProxy ours(std::make_shared<Worker>());
  const absl::StatusOr<WorkerDelegateResults> answer = worker.Delegate(1, {ours});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->y, 2u);
  EXPECT_EQ(answer->by.Calculate(2).value(), 3u);
  EXPECT_EQ(ours.Living().value(), 1u);
}

TEST_P(DroverProxyOfStock, IsAnsweredByATailCallThatComesBackToTheServer) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  const WorkerProxy ours(std::make_shared<Worker>());
  const WorkerProxy theirs = worker.Get().value();
  const absl::StatusOr<WorkerDelegateResults> answer = worker.Delegate(1, {ours, theirs});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->y, 2u);
  EXPECT_EQ(answer->by.Calculate(2).value(), 3u);
  EXPECT_EQ(worker.Living().value(), 2u);  // `theirs`, and the one that it returned
}

TEST_P(DroverProxyOfStock, PipelinesOnATailCall) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  const WorkerProxy ours(std::make_shared<Worker>());
  auto answer = worker.async().Delegate(1, {ours});
  std::vector<Future<uint32_t>> sums;
  for (uint32_t x = 0; x < 100; ++x) sums.push_back(answer.Pipeline().by().Calculate(x));
  ASSERT_EQ(answer.Get().status(), absl::OkStatus());
  for (uint32_t x = 0; x < 100; ++x) EXPECT_EQ(sums[x].Get().value(), x + 1);
}

TEST_P(DroverProxyOfStock, GetsTheErrorOfATailCallAsItWas) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  EXPECT_EQ(worker.Delegate(1, {std::make_shared<Failing>()}).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_P(DroverProxyOfStock, CancelsATailCall) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  const WorkerProxy ours(std::make_shared<Worker>());
  Gate gate;
  gate.Open();
  auto waits = worker.async().Wait(std::make_shared<Listener>(gate), ours);
  gate.AwaitArrivals(1);
  EXPECT_EQ(ours.Waiting().value(), 1u);
  waits.Cancel();
  EXPECT_EQ(waits.Get().code(), absl::StatusCode::kCancelled);
  while (ours.Waiting().value() != 0) {
  }
}

}  // namespace
}  // namespace drover::interop
