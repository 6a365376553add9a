// Requests, answers and connections that are lost: a method runs at most once, unless it is marked
// idempotent: then its caller gets an answer.
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "counter.drover.h"
#include "counter.drover_zero_copy.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cuttable_listener.h"
#include "support/gate.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::HasSubstr;
using namespace testing_support;  // NOLINT: the tests' own

// More than the protocol's own messages have.
constexpr size_t kPadding = 1024;

class Counter final : public counter::CounterServant {
 public:
  explicit Counter(ConnectionCutter cutter) : cutter_(std::move(cutter)) {}

  absl::StatusOr<uint32_t> Bump(uint32_t by, std::vector<uint8_t>) override {
    ++runs;
    count_ += by;
    return Answer();
  }
  absl::StatusOr<uint32_t> Get(std::vector<uint8_t>) override {
    ++runs;
    return Answer();
  }

  Gate gate;
  std::atomic<bool> waits_at_gate{false};
  std::atomic<int> runs{0};
  std::atomic<int> answers_to_lose{0};

 private:
  absl::StatusOr<uint32_t> Answer() {
    if (waits_at_gate) DROVER_RETURN_IF_ERROR(gate.Pass());
    if (answers_to_lose > 0) {
      --answers_to_lose;
      cutter_.CutAll();
    }
    return count_;
  }

  ConnectionCutter cutter_;  // its own: a lost call may outlive the test
  uint32_t count_ = 0;
};

class LostCalls : public testing::TestWithParam<const char*> {
 protected:
  LostCalls() { Start({}); }
  ~LostCalls() override { servant_->gate.Open(); }

  void Start(const ConnectOptions& options) {
    std::string endpoint = GetParam();
    if (endpoint == "unix") endpoint = "unix://" + dir_.path("counter");
    if (!server_) server_ = Serve(cutter_.Listen(*Endpoint::Parse(endpoint)), servant_).value();
    proxy_ = Connect<counter::CounterProxy>(server_->endpoint(), options);
    EXPECT_EQ(proxy_.Bump(100, {}).value(), warm_ += 100);
    servant_->runs = 0;
  }
  void ExpectLost(const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), HasSubstr("Counter."));
    EXPECT_THAT(std::string(status.message()), HasSubstr(server_->endpoint().ToString()));
  }

  TempDir dir_;
  ConnectionCutter cutter_;
  const std::shared_ptr<Counter> servant_ = std::make_shared<Counter>(cutter_);
  std::optional<Server> server_;
  counter::CounterProxy proxy_;
  uint32_t warm_ = 0;
  const std::vector<uint8_t> padding_ = std::vector<uint8_t>(kPadding);
};

INSTANTIATE_TEST_SUITE_P(Over, LostCalls, testing::Values("unix", "tcp://127.0.0.1:0"),
                         [](const auto& info) { return std::string(info.param, 3); });

// --- not idempotent
// -------------------------------------------------------------------------------

TEST_P(LostCalls, DoNotRunIfTheRequestIsLost) {
  cutter_.LoseNextInput(kPadding);
  ExpectLost(proxy_.Bump(1, padding_).status());
  EXPECT_EQ(servant_->runs, 0);
  EXPECT_EQ(proxy_.Bump(1, {}).value(), warm_ + 1);
}

TEST_P(LostCalls, RunOnceIfTheAnswerIsLost) {
  servant_->answers_to_lose = 1;
  ExpectLost(proxy_.Bump(1, padding_).status());
  EXPECT_EQ(servant_->runs, 1);
  EXPECT_EQ(proxy_.Bump(1, {}).value(), warm_ + 2);
}

TEST_P(LostCalls, RunOnceIfTheConnectionIsLostMeanwhile) {
  servant_->waits_at_gate = true;
  auto answer = proxy_.async().Bump(1, padding_);
  servant_->gate.AwaitArrivals(1);
  cutter_.CutAll();
  ExpectLost(answer.Get().status());
  servant_->gate.AwaitCancellations(1);
  EXPECT_EQ(servant_->runs, 1);
}

// --- idempotent
// -----------------------------------------------------------------------------------

TEST_P(LostCalls, OfIdempotentMethodsAreSentAgainIfTheRequestIsLost) {
  cutter_.LoseNextInput(kPadding);
  EXPECT_EQ(proxy_.Get(padding_).value(), warm_);
  EXPECT_EQ(servant_->runs, 1);
}

TEST_P(LostCalls, InZeroCopyFormAreNeverSentAgain) {
  servant_->answers_to_lose = 1;
  auto call = counter::CounterZeroCopyProxy(proxy_).Get(kPadding);
  call.params().initPadding(kPadding);
  ExpectLost(call.Send().status());
  EXPECT_EQ(servant_->runs, 1);
}

TEST_P(LostCalls, OfIdempotentMethodsAreSentAgainIfTheAnswerIsLost) {
  servant_->answers_to_lose = 1;
  EXPECT_EQ(proxy_.Get(padding_).value(), warm_);
  EXPECT_EQ(servant_->runs, 2);
}

TEST_P(LostCalls, OfIdempotentMethodsAreSentAgainIfTheConnectionIsLostMeanwhile) {
  servant_->waits_at_gate = true;
  auto answer = proxy_.async().Get(padding_);
  servant_->gate.AwaitArrivals(1);
  cutter_.CutAll();
  servant_->gate.AwaitArrivals(2);
  servant_->gate.Open();
  EXPECT_EQ(answer.Get().value(), warm_);
}

TEST_P(LostCalls, AreSentAgainWithoutAProxyOrAThreadThatWaits) {
  servant_->answers_to_lose = 1;
  Promise<uint32_t> got;
  proxy_.async()
      .Get(padding_)
      .Then([&](absl::StatusOr<uint32_t> count) { got.Set(std::move(count)); })
      .Detach();
  proxy_ = {};
  EXPECT_EQ(got.future().Get().value(), warm_);
}

TEST_P(LostCalls, ThatNobodyWantsAreNotSentAgain) {
  servant_->waits_at_gate = true;
  {
    auto answer = proxy_.async().Get(padding_);
    servant_->gate.AwaitArrivals(1);
    answer.Cancel();
  }
  cutter_.CutAll();
  servant_->gate.AwaitCancellations(1);
  servant_->gate.Open();
  EXPECT_EQ(proxy_.Get({}).value(), warm_);
  EXPECT_EQ(servant_->runs, 2);
}

TEST_P(LostCalls, ThatAreSentAgainCanBeCancelledThere) {
  servant_->waits_at_gate = true;
  auto answer = proxy_.async().Get(padding_);
  servant_->gate.AwaitArrivals(1);
  cutter_.CutAll();
  servant_->gate.AwaitArrivals(2);
  answer.Cancel();
  servant_->gate.AwaitCancellations(2);
  EXPECT_EQ(answer.Get().status().code(), absl::StatusCode::kCancelled);
}

TEST_P(LostCalls, AreSentAgainFourTimesAtMost) {
  Start({.retry_tokens = 1000});
  servant_->answers_to_lose = 1000;
  ExpectLost(proxy_.Get(padding_).status());
  EXPECT_EQ(servant_->runs, 5);
}

TEST_P(LostCalls, AreNotSentAgainPastTheBudget) {
  Start({.retry_tokens = 4});
  servant_->answers_to_lose = 1000;
  ExpectLost(proxy_.Get(padding_).status());
  EXPECT_EQ(servant_->runs, 2);
  ExpectLost(proxy_.Get(padding_).status());
  EXPECT_EQ(servant_->runs, 3);
}

TEST_P(LostCalls, AreNotSentAgainWithoutABudget) {
  Start({.retry_tokens = 0});
  servant_->answers_to_lose = 1;
  ExpectLost(proxy_.Get(padding_).status());
  EXPECT_EQ(servant_->runs, 1);
}

TEST_P(LostCalls, OfIdempotentMethodsFailIfNobodyServesAnyMore) {
  servant_->waits_at_gate = true;
  auto answer = proxy_.async().Get(padding_);
  servant_->gate.AwaitArrivals(1);
  server_->Shutdown(absl::ZeroDuration());
  EXPECT_EQ(answer.Get().status().code(), absl::StatusCode::kUnavailable);
}

TEST(RetryDefaults, AreTheDocumentedOnes) {
  EXPECT_EQ(ConnectOptions().retry_tokens, 10);
  EXPECT_EQ(ConnectOptions().retry_token_ratio, 0.1);
}

}  // namespace
}  // namespace drover
