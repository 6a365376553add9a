#include "drover/async/inline_clock.h"

#include <gtest/gtest.h>

namespace drover::async {
namespace {

// Until the clock shows another time.
void Tick() {
  for (const int64_t now = SteadyNanos(); SteadyNanos() == now;) {
  }
}

int64_t EndARun(InlineClock& clock) {
  const InlineClock::Run run(clock);
  return clock.End();
}

TEST(InlineClock, ReadsEachTimeWhereNobodyRunsCallsInARow) {
  InlineClock clock;
  const int64_t end = clock.End();
  Tick();
  EXPECT_GT(clock.Begin(), end);
}

TEST(InlineClock, HandsTheEndOfACallOnToTheNextOnce) {
  InlineClock clock;
  const int64_t end = EndARun(clock);
  Tick();
  EXPECT_EQ(clock.Latest(), end);
  const InlineClock::Run run(clock);
  EXPECT_EQ(clock.Begin(), end);
  EXPECT_GT(clock.Begin(), end);
}

TEST(InlineClock, ReadsAgainAfterARunThatNobodyTimed) {
  InlineClock clock;
  const int64_t end = EndARun(clock);
  { const InlineClock::Run run(clock); }
  Tick();
  EXPECT_GT(clock.Latest(), end);
}

TEST(InlineClock, ReadsAgainAfterSomethingElseHasTakenTime) {
  InlineClock clock;
  const int64_t end = EndARun(clock);
  Tick();
  clock.Forget();
  const InlineClock::Run run(clock);
  EXPECT_GT(clock.Begin(), end);
}

TEST(InlineClock, ReadsAgainWhereARunHasTakenTimeBeforeItsCallBegins) {
  InlineClock clock;
  const int64_t end = EndARun(clock);
  const InlineClock::Run run(clock);
  Tick();
  clock.Forget();
  EXPECT_GT(clock.Begin(), end);
}

TEST(InlineClock, ReadsAgainWhereARunHasTakenTimeAfterItsCallEnded) {
  InlineClock clock;
  int64_t end = 0;
  {
    const InlineClock::Run run(clock);
    end = clock.End();
    Tick();
    clock.Forget();
  }
  EXPECT_GT(clock.Latest(), end);
}

}  // namespace
}  // namespace drover::async
