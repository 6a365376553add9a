#include "drover/async/inline_clock.h"

#include <gtest/gtest.h>

namespace drover::async {
namespace {

// Until the clock shows another time.
void Tick() {
  for (const int64_t now = SteadyNanos(); SteadyNanos() == now;) {
  }
}

TEST(InlineClock, ReadsEachTimeWhereNobodyRunsCallsInARow) {
  InlineClock clock;
  const int64_t end = clock.End();
  Tick();
  EXPECT_GT(clock.Begin(), end);
}

TEST(InlineClock, HandsTheEndOfACallOnToTheNextOnce) {
  InlineClock clock;
  const InlineClock::Scope scope(clock);
  const int64_t end = clock.End();
  Tick();
  EXPECT_EQ(clock.Latest(), end);
  clock.Offer();
  EXPECT_EQ(clock.Begin(), end);
  EXPECT_GT(clock.Begin(), end);
}

TEST(InlineClock, ReadsAgainAfterARunThatNobodyTimed) {
  InlineClock clock;
  const InlineClock::Scope scope(clock);
  const int64_t end = clock.End();
  Tick();
  clock.Offer();
  EXPECT_GT(clock.Latest(), end);
}

TEST(InlineClock, ReadsAgainAfterSomethingElseHasTakenTime) {
  InlineClock clock;
  const InlineClock::Scope scope(clock);
  const int64_t end = clock.End();
  Tick();
  clock.Forget();
  clock.Offer();
  EXPECT_GT(clock.Begin(), end);
}

TEST(InlineClock, ReadsAgainAfterAScopeWithin) {
  InlineClock clock;
  const InlineClock::Scope scope(clock);
  const int64_t end = clock.End();
  Tick();
  int64_t within = 0;
  {
    const InlineClock::Scope inner(clock);
    within = clock.Begin();
    EXPECT_GT(within, end);
    clock.End();
  }
  Tick();
  clock.Offer();
  EXPECT_GT(clock.Begin(), within);
}

}  // namespace
}  // namespace drover::async
