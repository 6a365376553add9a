// How a caller waits for its answer: by looking for it as long as that pays, and then asleep. The
// peer answers at a look of the test's choice, or once the caller sleeps.
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "drover/async/cpu.h"
#include "drover/async/crowd.h"
#include "drover/async/runtime.h"
#include "drover/async/spin_budget.h"
#include "drover/async/spin_setting.h"
#include "drover/async/steady_clock.h"
#include "drover/async/thread_context.h"
#include "rpc/peer_fixture.h"
#include "support/hooked_stream.h"

namespace drover::rpc {
namespace {

using async::SpinBudget;
using testing_support::HookedStream;
using transport::Wait;

class PollingFor : public ClientTest {
 protected:
  explicit PollingFor(absl::Duration spin)
      : ClientTest(
            HookedStream::Maker({.before_read = OnThisThread([this](Wait wait) { OnRead(wait); })}),
            std::make_unique<Runtime>(RuntimeOptions{.spin = spin})) {
    NoCrowd();
  }
  ~PollingFor() override { NoCrowd(); }

  // As on a new thread.
  static void NoCrowd() { async::ThreadContext::Current().crowd = {}; }

  struct Reads {
    int looks = 0;
    int sleeps = 0;
  };
  // Makes a call that is answered at look number `look`, from 1, and in any case once the caller
  // sleeps.
  Reads Call(int look) {
    answer_at_look_ = look;
    answered_ = false;
    reads_ = {};
    EXPECT_EQ(cook_.Add(3, 4).value(), 7u);
    answered_ = true;
    return reads_;
  }
  // The same, until no other thread has had the CPU for long meanwhile, which makes a crowd again:
  // others of this machine may take it at each time the caller lets them run.
  Reads CallOfNoCrowd(int look) {
    constexpr int kMostTries = 1000;
    Reads reads{.looks = 0, .sleeps = 1};
    for (int i = 0; i < kMostTries && reads.sleeps > 0; ++i) {
      NoCrowd();
      reads = Call(look);
    }
    return reads;
  }
  Reads CallThatIsAnsweredToASleeper() { return Call(/*look=*/0); }

 private:
  // Does nothing on others: those of the runtime may read before and after a test.
  static std::function<void(Wait)> OnThisThread(std::function<void(Wait)> f) {
    return [f = std::move(f), thread = std::this_thread::get_id()](Wait wait) {
      if (std::this_thread::get_id() == thread) f(wait);
    };
  }
  void OnRead(Wait wait) {
    ++(wait == Wait::kBlock ? reads_.sleeps : reads_.looks);
    if (answered_ || (wait != Wait::kBlock && reads_.looks != answer_at_look_)) return;
    answered_ = true;
    ReturnSum(ExpectCall().getQuestionId(), 7, /*no_finish_needed=*/true);
  }

  int answer_at_look_ = 0;
  bool answered_ = true;
  Reads reads_;
  const kitchen::CookProxy cook_ = MakeCook();
};

class Polling : public PollingFor {
 protected:
  Polling() : PollingFor(async::kLongestSpin) {}
  void SetUp() override {
    if (async::AvailableCpus() == 1) GTEST_SKIP() << "with one CPU nobody polls";
  }
};

TEST_F(Polling, FindsTheAnswerWithoutSleeping) {
  // Before the caller lets others run for the first time, who may take the CPU for long.
  constexpr int kLook = 30;
  const Reads reads = CallOfNoCrowd(kLook);
  EXPECT_EQ(reads.looks, kLook);
  EXPECT_EQ(reads.sleeps, 0);
}

TEST_F(Polling, RestsInACrowd) {
  constexpr int kCalls = 100;
  constexpr int64_t kHour = int64_t{3600} * 1'000'000'000;
  async::ThreadContext::Current().crowd.NoteTurn(kHour, async::SteadyNanos() + kHour);
  for (int i = 0; i < kCalls; ++i) {
    const Reads reads = Call(/*look=*/1);
    ASSERT_EQ(reads.looks, 0) << "in call " << i;
    ASSERT_EQ(reads.sleeps, 1) << "in call " << i;
  }
  // It was the crowd, and nothing else, that kept it from that.
  const Reads reads = CallOfNoCrowd(/*look=*/1);
  EXPECT_EQ(reads.looks, 1);
  EXPECT_EQ(reads.sleeps, 0);
}

class PollingForAsLongAsUsual : public PollingFor {
 protected:
  PollingForAsLongAsUsual() : PollingFor(async::kDefaultSpin) {}
  void SetUp() override {
    if (async::AvailableCpus() == 1) GTEST_SKIP() << "with one CPU nobody polls";
  }
};

TEST_F(PollingForAsLongAsUsual, EndsWhereItNeverPays) {
  constexpr int kCalls = 1000;
  int polled = 0;
  for (int i = 0; i < kCalls; ++i) {
    NoCrowd();
    const Reads reads = CallThatIsAnsweredToASleeper();
    ASSERT_EQ(reads.sleeps, 1);
    if (reads.looks > 0) ++polled;
  }
  EXPECT_GT(polled, 0);
  EXPECT_LE(polled, SpinBudget::kTries + kCalls / SpinBudget::kFirstProbe);
}

class PollingForNoTime : public PollingFor {
 protected:
  PollingForNoTime() : PollingFor(absl::ZeroDuration()) {}
};

TEST_F(PollingForNoTime, IsOff) {
  constexpr int kCalls = 100;
  for (int i = 0; i < kCalls; ++i) {
    const Reads reads = Call(/*look=*/1);
    ASSERT_EQ(reads.looks, 0) << "in call " << i;
    ASSERT_EQ(reads.sleeps, 1) << "in call " << i;
  }
}

}  // namespace
}  // namespace drover::rpc
