// Tail calls with Drover at both ends: what a client's own object answers to a call that went over
// the server does not travel there and back.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using testing_support::Cook;
using testing_support::Gate;

constexpr size_t kLimit = 64 << 10;
constexpr size_t kMuch = 1 << 20;

// Answers with more than the server takes, unless it is told to fail or to wait.
class Talkative final : public kitchen::ListenerServant {
 public:
  explicit Talkative(Gate gate) : gate_(std::move(gate)) {}

  // In order.
  std::vector<std::string> heard() const {
    base::MutexLock lock(&mu_);
    return heard_;
  }

  absl::StatusOr<std::string> Heard(std::string text) override {
    {
      base::MutexLock lock(&mu_);
      heard_.push_back(text);
    }
    if (text == "fail") return absl::DataLossError("gone");
    if (text == "wait") {
      const absl::Status status = gate_.Pass();
      if (!status.ok()) return status;
    }
    return std::string(kMuch, 'x');
  }

 private:
  Gate gate_;
  mutable base::Mutex mu_;
  std::vector<std::string> heard_ ABSL_GUARDED_BY(mu_);
};

class TailCallsOfDrover : public testing::Test {
 protected:
  TailCallsOfDrover() { EXPECT_EQ(proxy_.Keep(talkative_), absl::OkStatus()); }

  // Calls the object, which the server is about to give back.
  Future<std::string> Call(const std::string& text) {
    auto later = proxy_.async().Later();
    Future<std::string> heard = later.Pipeline().Heard(text);
    std::move(later).Detach();
    return heard;
  }
  // How often the server has seen a call of the object end, and how many of them failed.
  MethodStats Ended() {
    for (const MethodStats& method : server_.Stats().methods) {
      if (method.name != "Cook.later" && method.name != "Cook.keep") return method;
    }
    return {};
  }

  testing_support::TempDir dir_;
  Gate gate_;  // of the client's object
  const std::shared_ptr<Talkative> talkative_ = std::make_shared<Talkative>(gate_);
  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
  Server server_ =
      Serve("unix://" + dir_.path("cook"), cook_, {.max_message_bytes = kLimit}).value();
  const kitchen::CookProxy proxy_ = Connect<kitchen::CookProxy>(server_.endpoint());
};

TEST_F(TailCallsOfDrover, LeaveTheirResultsWhereTheyAre) {
  auto heard = Call("x");
  cook_->gate.Open();
  const absl::StatusOr<std::string> reply = heard.Get();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->size(), kMuch);
}

TEST_F(TailCallsOfDrover, GiveTheirErrors) {
  auto heard = Call("fail");
  cook_->gate.Open();
  EXPECT_EQ(heard.Get().status(), absl::DataLossError("gone"));
}

TEST_F(TailCallsOfDrover, AreCancelledWithTheCall) {
  auto heard = Call("wait");
  cook_->gate.Open();
  gate_.AwaitArrivals(1);
  heard.Cancel();
  EXPECT_EQ(heard.Get().status().code(), absl::StatusCode::kCancelled);
  gate_.AwaitCancellations(1);
}

TEST_F(TailCallsOfDrover, KeepTheOrderOfCalls) {
  auto recorded = proxy_.async().Later();
  std::vector<Future<std::string>> heard;
  std::vector<std::string> said;
  for (int i = 0; i < 100; ++i) {
    said.push_back(std::to_string(i));
    heard.push_back(recorded.Pipeline().Heard(said.back()));
  }
  cook_->gate.Open();
  ASSERT_TRUE(recorded.Get().ok());
  for (auto& one : heard) EXPECT_EQ(one.Get().value().size(), kMuch);
  EXPECT_EQ(talkative_->heard(), said);
}

TEST_F(TailCallsOfDrover, CountAsCallsOfTheServer) {
  auto heard = Call("x");
  cook_->gate.Open();
  EXPECT_TRUE(heard.Get().ok());
  while (Ended().calls < 1) std::this_thread::yield();  // it hears of the end behind the client
  EXPECT_EQ(Ended().calls, 1u);
}

}  // namespace
}  // namespace drover
