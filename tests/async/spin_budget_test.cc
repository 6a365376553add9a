#include "drover/async/spin_budget.h"

#include <gtest/gtest.h>

namespace drover::async {
namespace {

constexpr int64_t kLimit = 50'000;

// Of so many waits, how many poll. Polling is answered with `pays`.
int Polls(SpinBudget& budget, int waits, bool pays) {
  int polls = 0;
  for (int i = 0; i < waits; ++i) {
    if (budget.Next() == 0) continue;
    ++polls;
    budget.Report(pays);
  }
  return polls;
}

TEST(SpinBudget, PollsNowhereIfTheLimitIsZero) {
  SpinBudget budget(/*limit_ns=*/0);
  EXPECT_EQ(Polls(budget, 10'000, /*pays=*/true), 0);
}

TEST(SpinBudget, PollsAtEachWaitForAsLongAsTheLimitWhileThatPays) {
  SpinBudget budget(kLimit);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(budget.Next(), kLimit);
    budget.Report(/*paid=*/true);
  }
}

TEST(SpinBudget, OutlivesAFewWaitsInWhichItDidNotPay) {
  SpinBudget budget(kLimit);
  EXPECT_EQ(Polls(budget, 10, /*pays=*/true), 10);
  EXPECT_EQ(Polls(budget, 3, /*pays=*/false), 3);
  EXPECT_EQ(Polls(budget, 10, /*pays=*/true), 10);
}

// As where more threads are busy than there are CPUs: whoever is waited for gets none.
TEST(SpinBudget, GoesToZeroWhereItNeverPays) {
  SpinBudget budget(kLimit);
  Polls(budget, 10, /*pays=*/true);
  Polls(budget, 10'000, /*pays=*/false);
  EXPECT_LE(Polls(budget, 100'000, /*pays=*/false),
            100'000 / static_cast<int>(SpinBudget::kRarestProbe) + 1);
}

TEST(SpinBudget, FindsOutThatItPaysAgain) {
  SpinBudget budget(kLimit);
  Polls(budget, 100'000, /*pays=*/false);
  int waits = 1;
  while (budget.Next() == 0) ++waits;
  EXPECT_LE(waits, static_cast<int>(SpinBudget::kRarestProbe));
  budget.Report(/*paid=*/true);
  EXPECT_EQ(Polls(budget, 100, /*pays=*/true), 100);
}

TEST(SpinBudget, LooksOftenAgainOnceItHasPaid) {
  SpinBudget budget(kLimit);
  Polls(budget, 100'000, /*pays=*/false);
  while (budget.Next() == 0) {
  }
  budget.Report(/*paid=*/true);
  EXPECT_EQ(Polls(budget, 4, /*pays=*/false), 4);
  EXPECT_EQ(Polls(budget, 31, /*pays=*/false), 0);
  EXPECT_EQ(Polls(budget, 1, /*pays=*/false), 1);
}

}  // namespace
}  // namespace drover::async
