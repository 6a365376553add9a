#include "drover/async/yield_budget.h"

#include <gtest/gtest.h>

#include "drover/async/steady_clock.h"

namespace drover::async {
namespace {

constexpr int64_t kHour = 3'600'000'000'000;

// Whether one of many waits in a row yields.
bool EverYields(YieldBudget& budget) {
  for (int i = 0; i < 1000; ++i) {
    if (budget.Next()) return true;
  }
  return false;
}

TEST(YieldBudget, YieldsNowhereIfItIsOff) {
  YieldBudget budget(/*enabled=*/false);
  EXPECT_FALSE(EverYields(budget));
}

TEST(YieldBudget, YieldsAtEachWaitAsLongAsThatPays) {
  YieldBudget budget(/*enabled=*/true);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(budget.Next());
    budget.Report(/*paid=*/true);
  }
}

TEST(YieldBudget, OnlyProbesWhereItBringsNothing) {
  YieldBudget budget(/*enabled=*/true);
  int yields = 0;
  for (int i = 0; i < 1000; ++i) {
    if (!budget.Next()) continue;
    ++yields;
    budget.Report(/*paid=*/false);
  }
  EXPECT_GT(yields, 0);
  EXPECT_LT(yields, 100);
}

TEST(YieldBudget, MeasuresTheFirstTurnAndThenSomeAsLongAsTheyAreQuick) {
  YieldBudget budget(/*enabled=*/true);
  EXPECT_TRUE(budget.Measures());
  int measured = 0;
  for (uint32_t i = 0; i < 10 * YieldBudget::kMeasureEvery; ++i) measured += budget.Measures();
  EXPECT_EQ(measured, 10);
}

TEST(YieldBudget, MeasuresEachTurnAfterALongOne) {
  YieldBudget budget(/*enabled=*/true);
  const int64_t now = SteadyNanos();
  budget.ReportTurn(now - 3 * kHour, now - 2 * kHour);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(budget.Measures());
}

TEST(YieldBudget, RestsAfterALongTurnOfOthers) {
  YieldBudget budget(/*enabled=*/true);
  const int64_t now = SteadyNanos();
  budget.ReportTurn(now, now + kHour);
  EXPECT_FALSE(EverYields(budget));
}

TEST(YieldBudget, YieldsAgainAfterTheRest) {
  YieldBudget budget(/*enabled=*/true);
  const int64_t now = SteadyNanos();
  budget.ReportTurn(now - 3 * kHour, now - 2 * kHour);
  EXPECT_TRUE(budget.Next());
}

}  // namespace
}  // namespace drover::async
