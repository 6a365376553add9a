// Where servants' methods run, by what they did before: inline, on a thread that has lent what it
// holds, or on the pool.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "drover/async/dispatch_predictor.h"
#include "drover/async/runtime.h"
#include "drover/async/sleep.h"
#include "drover/async/thread_context.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.capnp.h"
#include "kitchen.drover.h"
#include "support/child_process.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using testing_support::Pipe;
using testing_support::TempDir;
using testing_support::Until;

const async::DispatchPredictor::Key kAdd =
    async::DispatchPredictor::KeyOf(capnp::typeId<kitchen::wire::Cook>(), /*method_id=*/0);
const async::DispatchPredictor::Key kWait =
    async::DispatchPredictor::KeyOf(capnp::typeId<kitchen::wire::Cook>(), /*method_id=*/8);

// Whether the code that runs is run inline, and its thread keeps what it holds.
bool RunsInline() {
  const async::InlineSlot* slot = async::ThreadContext::Current().slot;
  return slot != nullptr && slot->KeepsReading();
}

// Tells where its methods ran: 1 for inline. The first argument of Add says whether it is to wait
// in Drover, which never is quick.
class MoodyCook final : public kitchen::CookServant {
 public:
  static constexpr uint32_t kQuick = 0, kWaits = 1;
  enum class Blocks { kNowhere, kInline, kElsewhere };

  ~MoodyCook() override { pipe_.CloseWriter(); }

  absl::StatusOr<uint32_t> Add(uint32_t waits, uint32_t) override {
    const bool runs_inline = RunsInline();
    if (waits == kWaits) drover::SleepFor(absl::Nanoseconds(1)).IgnoreError();
    return runs_inline;
  }
  // Blocks where Drover cannot see it, if it runs where it is to block, until Release is called.
  absl::Status Wait() override {
    const Blocks blocks = blocks_.load();
    if (blocks == Blocks::kNowhere) return absl::OkStatus();
    const bool runs_inline = RunsInline();
    if (runs_inline != (blocks == Blocks::kInline)) {
      ran_.Send(runs_inline ? "inline" : "elsewhere");
      return absl::OkStatus();
    }
    ran_.Send("stuck");
    char c;
    while (read(pipe_.reader(), &c, 1) > 0) {
    }
    return absl::OkStatus();
  }
  absl::StatusOr<kitchen::CookRunningResults> Running() override {
    return kitchen::CookRunningResults{.count = RunsInline(), .most = 0};
  }
  absl::Status Release() override {
    pipe_.CloseWriter();
    return absl::OkStatus();
  }

  void BlockFromNowOn(Blocks where) { blocks_.store(where); }
  // Where a call of Wait runs since then, or "stuck".
  std::string AwaitRun() { return ran_.Receive(); }

 private:
  std::atomic<Blocks> blocks_{Blocks::kNowhere};
  Pipe ran_, pipe_;
};

class AdaptiveDispatch : public testing::Test {
 protected:
  // A method runs inline once its strand is idle again, a moment after the last answer; and what
  // the machine holds up counts as blocking. So where a call is to run inline, it is made again.
  static void UntilInline(const CookProxy& cook) {
    while (cook.Add(MoodyCook::kQuick, 0).value() == 0) {
    }
  }

  // What a run was is noted when its answer has left.
  void UntilLearnedSlow() {
    while (cook_.Add(MoodyCook::kWaits, 0).value() == 1) {
    }
    Until([this] { return !IsThoughtQuick(kAdd); });
  }
  bool IsThoughtQuick(async::DispatchPredictor::Key method) {
    return runtime_.predictor().Of(method).Choose(/*others_wait=*/false) ==
           async::Dispatch::kInline;
  }

  TempDir dir_;
  Runtime runtime_;
  const std::shared_ptr<MoodyCook> servant_ = std::make_shared<MoodyCook>();
  Server server_ = Serve("unix://" + dir_.path("cook"), servant_, {.runtime = &runtime_}).value();
  const CookProxy cook_ = Connect<CookProxy>(server_.endpoint());
};

TEST_F(AdaptiveDispatch, AQuickMethodRunsInline) { UntilInline(cook_); }

TEST_F(AdaptiveDispatch, ASlowMethodIsLearnedAndDoesNotRunInline) {
  UntilLearnedSlow();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(cook_.Add(MoodyCook::kWaits, 0).value(), 0u) << i;
}

TEST_F(AdaptiveDispatch, WhatIsLearnedOfAMethodHoldsForAllObjectsAndForNoOtherMethod) {
  UntilLearnedSlow();
  auto another = std::make_shared<MoodyCook>();
  Server server = Serve("unix://" + dir_.path("another"), another, {.runtime = &runtime_}).value();
  const auto proxy = Connect<CookProxy>(server.endpoint());
  EXPECT_EQ(proxy.Add(MoodyCook::kQuick, 0).value(), 0u);
  while (proxy.Running()->count == 0) {
  }
}

TEST_F(AdaptiveDispatch, ASlowMethodThatIsQuickAgainRunsInlineAgain) {
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(cook_.Add(MoodyCook::kWaits, 0).status(), absl::OkStatus());
  UntilInline(cook_);
}

TEST_F(AdaptiveDispatch, AMethodThatBlocksNowAndThenDelaysNobodyWhenItDoes) {
  runtime_.predictor().Note(kWait, async::Outcome::kBlocked);
  servant_->BlockFromNowOn(MoodyCook::Blocks::kElsewhere);
  Future<void> stuck = cook_.async().Wait();
  ASSERT_EQ(servant_->AwaitRun(), "stuck") << "the monitor would notice it, which is not tested";
  EXPECT_EQ(cook_.Add(MoodyCook::kQuick, 0).status(), absl::OkStatus());
  EXPECT_FALSE(stuck.ready());
  EXPECT_EQ(cook_.Release(), absl::OkStatus());
  EXPECT_EQ(stuck.Get(), absl::OkStatus());
}

// The first call on a connection runs on the thread that accepted it, which has both the reading
// and the reactor: the monitor hands both over.
TEST_F(AdaptiveDispatch, AQuickMethodThatBlocksThisTimeDelaysNeitherItsConnectionNorOthers) {
  EXPECT_EQ(cook_.Wait(), absl::OkStatus());
  servant_->BlockFromNowOn(MoodyCook::Blocks::kInline);
  std::optional<CookProxy> cook;
  std::optional<Future<void>> stuck;
  do {
    // What the machine holds up counts as blocking, and such a method is lent for a while.
    while (!IsThoughtQuick(kWait)) runtime_.predictor().Note(kWait, async::Outcome::kQuick);
    cook = Connect<CookProxy>(server_.endpoint());
    stuck = cook->async().Wait();
  } while (servant_->AwaitRun() != "stuck");
  EXPECT_EQ(cook->Add(MoodyCook::kQuick, 0).status(), absl::OkStatus());
  const auto another = Connect<CookProxy>(server_.endpoint());
  EXPECT_EQ(another.Add(MoodyCook::kQuick, 0).status(), absl::OkStatus());
  EXPECT_FALSE(stuck->ready());
  EXPECT_EQ(another.Release(), absl::OkStatus());
  EXPECT_EQ(stuck->Get(), absl::OkStatus());
  Until([this] { return !IsThoughtQuick(kWait); });  // it is noted when the answer has left
  EXPECT_EQ(cook->Wait(), absl::OkStatus());
  EXPECT_EQ(servant_->AwaitRun(), "elsewhere");
}

// Whoever lends the reading takes it back, or finds that somebody else goes on with it.
TEST_F(AdaptiveDispatch, ClientsWhoseCallsBlockNowAndThenAllGetTheirAnswers) {
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([this, c] {
      const auto cook = Connect<CookProxy>(server_.endpoint());
      const auto async = cook.async();
      std::vector<Future<uint32_t>> answers;
      std::vector<Future<void>> waits;
      for (int i = 0; i < 400; ++i) {
        answers.push_back(async.Add(i % 20 == c, i));
        waits.push_back(async.Wait());
        if (i % 7 != c) continue;
        EXPECT_EQ(cook.Running().status(), absl::OkStatus());
      }
      for (auto& answer : answers) EXPECT_EQ(answer.Get().status(), absl::OkStatus());
      for (auto& wait : waits) EXPECT_EQ(wait.Get(), absl::OkStatus());
    });
  }
  for (std::thread& client : clients) client.join();
}

}  // namespace
}  // namespace drover
