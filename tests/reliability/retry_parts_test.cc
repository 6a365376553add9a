// The decisions behind sending and dialling again, without clocks and connections.
#include "drover/rpc/backoff.h"
#include "drover/rpc/retry_budget.h"
#include "gtest/gtest.h"

namespace drover::rpc {
namespace {

TEST(Backoffs, GrowByTheMultiplierUpToTheMost) {
  ExponentialBackoff backoff({.initial = absl::Milliseconds(10),
                              .multiplier = 2,
                              .max = absl::Milliseconds(50),
                              .jitter = 0.2});
  for (int millis : {10, 20, 40, 50, 50}) EXPECT_EQ(backoff.Next(0.5), absl::Milliseconds(millis));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(0.5), absl::Milliseconds(10));
}

TEST(Backoffs, AreShorterOrLongerByTheJitter) {
  const Backoff options{.initial = absl::Milliseconds(100), .jitter = 0.2};
  EXPECT_EQ(ExponentialBackoff(options).Next(0), absl::Milliseconds(80));
  EXPECT_GT(ExponentialBackoff(options).Next(0.999), absl::Milliseconds(119));
  EXPECT_LT(ExponentialBackoff(options).Next(0.999), absl::Milliseconds(120));
}

TEST(Backoffs, OfSenselessOptionsStillWait) {
  ExponentialBackoff backoff(
      {.initial = absl::ZeroDuration(), .multiplier = 0, .max = absl::ZeroDuration(), .jitter = 7});
  EXPECT_EQ(backoff.Next(0.5), absl::Milliseconds(1));
  EXPECT_EQ(backoff.Next(0.5), absl::Milliseconds(1));
}

TEST(Backoffs, HaveTheDocumentedDefaults) {
  const Backoff options;
  EXPECT_EQ(options.initial, absl::Milliseconds(10));
  EXPECT_EQ(options.multiplier, 1.6);
  EXPECT_EQ(options.max, absl::Seconds(5));
  EXPECT_EQ(options.jitter, 0.2);
}

TEST(RetryBudget, AllowsWhileMoreThanHalfIsThere) {
  RetryBudget budget(10, 0.1);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(budget.Lost()) << i;
  EXPECT_FALSE(budget.Lost());
  EXPECT_FALSE(budget.Lost());
}

TEST(RetryBudget, IsFilledByAnswers) {
  RetryBudget budget(10, 0.1);
  while (budget.Lost()) {
  }
  for (int i = 0; i < 10; ++i) budget.Answered();
  EXPECT_FALSE(budget.Lost());  // 5 and 1, less 1
  for (int i = 0; i < 11; ++i) budget.Answered();
  EXPECT_TRUE(budget.Lost());  // 5 and 1.1, less 1
}

TEST(RetryBudget, IsNeverMoreThanFull) {
  RetryBudget budget(4, 1);
  for (int i = 0; i < 100; ++i) budget.Answered();
  EXPECT_TRUE(budget.Lost());
  EXPECT_FALSE(budget.Lost());
}

TEST(RetryBudget, OfNothingAllowsNothing) {
  RetryBudget budget(0, 0.1);
  EXPECT_FALSE(budget.enabled());
  budget.Answered();
  EXPECT_FALSE(budget.Lost());
}

}  // namespace
}  // namespace drover::rpc
