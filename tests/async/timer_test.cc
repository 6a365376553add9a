// Moments that handlers ask for: the set of them, and the reactor that keeps it.
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "drover/async/future.h"
#include "drover/async/reactor.h"
#include "drover/async/runtime.h"
#include "drover/async/steady_clock.h"
#include "drover/async/timer_set.h"
#include "drover/async/timers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover::async {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Timers, AreDueSoonestFirst) {
  TimerSet timers;
  EXPECT_TRUE(timers.Add(1, 30));
  EXPECT_TRUE(timers.Add(2, 10));
  EXPECT_FALSE(timers.Add(3, 20));
  EXPECT_THAT(timers.TakeDue(9), IsEmpty());
  EXPECT_THAT(timers.TakeDue(20), ElementsAre(2, 3));
  EXPECT_THAT(timers.TakeDue(100), ElementsAre(1));
  EXPECT_EQ(timers.Soonest(), TimerSet::kNever);
}

TEST(Timers, KeepTheSoonerMomentOfAnId) {
  TimerSet timers;
  timers.Add(1, 30);
  EXPECT_TRUE(timers.Add(1, 10));
  EXPECT_FALSE(timers.Add(1, 20));
  EXPECT_EQ(timers.Soonest(), 10);
  EXPECT_THAT(timers.TakeDue(100), ElementsAre(1));
}

TEST(Timers, CanBeRemoved) {
  TimerSet timers;
  timers.Add(1, 10);
  timers.Add(2, 20);
  timers.Remove(1);
  timers.Remove(3);  // not there
  EXPECT_EQ(timers.Soonest(), 20);
}

class Handler final : public EventHandler {
 public:
  void OnReady(uint32_t) override {}
  void OnTimer() override {
    const int64_t now = SteadyNanos();
    EXPECT_GE(now, when);
    called.Set(absl::OkStatus());
  }
  void HandOver() override {}

  int64_t when = 0;
  Promise<void> called;
};

TEST(ReactorTimers, CallTheirHandlerWhenItIsTime) {
  Reactor& reactor = Runtime::Default().reactor();
  auto late = base::MakeRef<Handler>();
  auto soon = base::MakeRef<Handler>();
  const uint64_t late_id = reactor.Register(late);
  const uint64_t soon_id = reactor.Register(soon);
  late->when = SteadyNanos() + 20'000'000;
  soon->when = late->when - 19'000'000;
  reactor.CallAt(late_id, late->when);
  reactor.CallAt(soon_id, soon->when);
  EXPECT_EQ(soon->called.future().Get(), absl::OkStatus());
  EXPECT_EQ(late->called.future().Get(), absl::OkStatus());
  reactor.Unregister(late_id);
  reactor.Unregister(soon_id);
}

TEST(ReactorTimers, ThatArePastAreCalledAtOnce) {
  Reactor& reactor = Runtime::Default().reactor();
  auto handler = base::MakeRef<Handler>();
  const uint64_t id = reactor.Register(handler);
  reactor.CallAt(id, 0);
  EXPECT_EQ(handler->called.future().Get(), absl::OkStatus());
  reactor.Unregister(id);
}

TEST(ReactorTimers, OfAHandlerThatIsGoneAreForgotten) {
  Reactor& reactor = Runtime::Default().reactor();
  auto gone = base::MakeRef<Handler>();
  gone->when = TimerSet::kNever;  // a call would fail the test
  const uint64_t id = reactor.Register(gone);
  reactor.CallAt(id, SteadyNanos() + int64_t{3600} * 1'000'000'000);
  reactor.Unregister(id);
  reactor.CallAt(id, 0);
  auto handler = base::MakeRef<Handler>();
  const uint64_t other = reactor.Register(handler);
  reactor.CallAt(other, 0);
  EXPECT_EQ(handler->called.future().Get(), absl::OkStatus());
  reactor.Unregister(other);
}

TEST(TimedTasks, RunInTheOrderOfTheirTimes) {
  Timers& timers = Runtime::Default().timers();
  std::string order;  // written by the reactor's thread alone
  Promise<void> done;
  timers.Add(absl::InfinitePast(), [&] {  // from the thread that runs them: it can run none yet
    const absl::Time now = absl::Now();
    timers.Add(now + absl::Milliseconds(20), [&, now] {
      EXPECT_GE(absl::Now(), now + absl::Milliseconds(19));  // the clocks may differ a little
      order += "c";
      done.Set(absl::OkStatus());
    });
    timers.Add(now + absl::Milliseconds(5), [&] { order += "b"; });
    timers.Add(absl::InfinitePast(), [&] { order += "a"; });
  });
  EXPECT_EQ(done.future().Get(), absl::OkStatus());
  EXPECT_EQ(order, "abc");
}

TEST(TimedTasks, ThatAreRemovedDoNotRun) {
  Timers& timers = Runtime::Default().timers();
  Promise<void> done;
  timers.Add(absl::InfinitePast(), [&] {  // from the thread that runs them: it can run none yet
    const absl::Time now = absl::Now();
    const uint64_t removed = timers.Add(now + absl::Milliseconds(5), [] { ADD_FAILURE(); });
    timers.Add(absl::InfiniteFuture(), [] { ADD_FAILURE(); });
    timers.Add(now + absl::Milliseconds(10), [&] { done.Set(absl::OkStatus()); });
    timers.Remove(removed);
    timers.Remove(removed);  // it is not there
  });
  EXPECT_EQ(done.future().Get(), absl::OkStatus());
}

TEST(TimedTasks, OfARuntimeThatEndsAreDropped) {
  auto kept = std::make_shared<int>();
  {
    Runtime runtime;
    runtime.timers().Add(absl::Now() + absl::Hours(1), [kept] { ADD_FAILURE(); });
    EXPECT_EQ(kept.use_count(), 2);
  }
  EXPECT_EQ(kept.use_count(), 1);
}

}  // namespace
}  // namespace drover::async
