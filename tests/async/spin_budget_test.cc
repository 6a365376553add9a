#include "drover/async/spin_budget.h"

#include <gtest/gtest.h>

namespace drover::async {
namespace {

constexpr int64_t kLimit = 48'000;
constexpr int64_t kSoon = 6'000;

// Of so many waits, how many poll. Polling is answered with `pays`, after kSoon if so.
int Polls(SpinBudget& budget, int waits, bool pays) {
  int polls = 0;
  for (int i = 0; i < waits; ++i) {
    const int64_t nanos = budget.Next();
    if (nanos == 0) continue;
    ++polls;
    budget.Report(pays, pays ? kSoon : nanos);
  }
  return polls;
}

// So many waits whose polling paid after `nanos`.
void Paid(SpinBudget& budget, int waits, int64_t nanos) {
  for (int i = 0; i < waits; ++i) {
    ASSERT_GT(budget.Next(), 0);
    budget.Report(/*paid=*/true, nanos);
  }
}

// One that polled in vain; for how long.
int64_t InVain(SpinBudget& budget) {
  const int64_t nanos = budget.Next();
  budget.Report(/*paid=*/false, nanos);
  return nanos;
}

TEST(SpinBudget, PollsNowhereIfTheLimitIsZero) {
  SpinBudget budget(/*limit_ns=*/0);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(budget.Next(), 0);
}

TEST(SpinBudget, PollsAtEachWaitWhileThatPays) {
  SpinBudget budget(kLimit);
  EXPECT_EQ(Polls(budget, 100, /*pays=*/true), 100);
}

TEST(SpinBudget, PollsUpToTheLimitAtFirst) {
  SpinBudget budget(kLimit);
  EXPECT_EQ(budget.Next(), kLimit);
}

TEST(SpinBudget, PollsForAMultipleOfWhatWaitsHaveLatelyTaken) {
  SpinBudget budget(kLimit);
  Paid(budget, 100, kSoon);
  EXPECT_EQ(budget.Next(), SpinBudget::kMargin * kSoon);
}

TEST(SpinBudget, FollowsALongerWaitAtOnceAndShorterOnesSlowly) {
  SpinBudget budget(kLimit);
  Paid(budget, 100, kSoon);
  Paid(budget, 1, 2 * kSoon);
  EXPECT_EQ(budget.Next(), 2 * SpinBudget::kMargin * kSoon);
  Paid(budget, 1, kSoon);
  EXPECT_EQ(budget.Next(), 2 * SpinBudget::kMargin * kSoon / 8 * 7);
}

TEST(SpinBudget, NeverPollsLongerThanTheLimitNorShorterThanAPartOfIt) {
  SpinBudget budget(kLimit);
  Paid(budget, 100, 100 * kLimit);
  EXPECT_EQ(budget.Next(), kLimit);
  Paid(budget, 200, 0);
  EXPECT_EQ(budget.Next(), kLimit / SpinBudget::kShortestPart);
}

// The other side may have become slower: both would never meet again if both polled too shortly.
TEST(SpinBudget, PollsUpToTheLimitAfterAShortPollInVain) {
  SpinBudget budget(kLimit);
  Paid(budget, 100, kSoon);
  EXPECT_EQ(InVain(budget), SpinBudget::kMargin * kSoon);
  EXPECT_EQ(budget.Next(), kLimit);
}

TEST(SpinBudget, HalvesWithEachFurtherPollInVainAndThenPollsNoMore) {
  SpinBudget budget(kLimit);
  Paid(budget, 100, kSoon);
  InVain(budget);
  EXPECT_EQ(InVain(budget), kLimit);
  EXPECT_EQ(InVain(budget), kLimit / 2);
  EXPECT_EQ(InVain(budget), kLimit / SpinBudget::kShortestPart);
  EXPECT_EQ(budget.Next(), 0);
}

TEST(SpinBudget, IsWhatItWasOnceAPollPaysAgain) {
  SpinBudget budget(kLimit);
  Paid(budget, 100, kSoon);
  EXPECT_EQ(Polls(budget, SpinBudget::kTries - 1, /*pays=*/false), SpinBudget::kTries - 1);
  Paid(budget, 1, kSoon);
  EXPECT_EQ(budget.Next(), SpinBudget::kMargin * kSoon);
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
  budget.Report(/*paid=*/true, kSoon);
  EXPECT_EQ(Polls(budget, 100, /*pays=*/true), 100);
}

TEST(SpinBudget, ProbesUpToTheLimit) {
  SpinBudget budget(kLimit);
  Paid(budget, 100, kSoon);
  Polls(budget, 1000, /*pays=*/false);
  int64_t nanos;
  while ((nanos = budget.Next()) == 0) {
  }
  EXPECT_EQ(nanos, kLimit);
}

TEST(SpinBudget, LooksOftenAgainOnceItHasPaid) {
  SpinBudget budget(kLimit);
  Polls(budget, 100'000, /*pays=*/false);
  while (budget.Next() == 0) {
  }
  budget.Report(/*paid=*/true, kSoon);
  EXPECT_EQ(Polls(budget, SpinBudget::kTries, /*pays=*/false), SpinBudget::kTries);
  EXPECT_EQ(Polls(budget, 31, /*pays=*/false), 0);
  EXPECT_EQ(Polls(budget, 1, /*pays=*/false), 1);
}

}  // namespace
}  // namespace drover::async
