#include "drover/rpc/accept_budget.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace drover::rpc {
namespace {

// One turn, while so many wait; how many are taken. `asked` counts what was asked for.
int Turn(AcceptBudget& budget, int waiting, int* asked) {
  const int size = budget.Begin();
  const int taken = std::min(size, waiting);
  *asked += std::min(size, waiting + 1);
  budget.End(/*all_taken=*/waiting < size);
  return taken;
}

TEST(AcceptBudget, SeldomAsksForASecondWhereTheyComeOneByOne) {
  constexpr int kClients = 10'000;
  AcceptBudget budget;
  int asked = 0;
  for (int i = 0; i < kClients; ++i) EXPECT_EQ(Turn(budget, 1, &asked), 1);
  EXPECT_LE(asked, kClients + kClients / AcceptBudget::kRarestProbe + 10);
}

TEST(AcceptBudget, TakesSixteenATurnAtTheMostWhereManyWait) {
  AcceptBudget budget;
  int asked = 0;
  int waiting = 10'000;
  int most = 0;
  int turns = 0;
  for (; waiting > 0; ++turns) {
    const int taken = Turn(budget, waiting, &asked);
    most = std::max(most, taken);
    waiting -= taken;
  }
  EXPECT_EQ(most, 16);
  EXPECT_LE(turns, 10'000 / 16 + 10);
}

TEST(AcceptBudget, FindsManyThatWaitAfterALongTimeInWhichTheyCameOneByOne) {
  AcceptBudget budget;
  int asked = 0;
  for (int i = 0; i < 10'000; ++i) Turn(budget, 1, &asked);
  int turns = 0;
  while (Turn(budget, 10'000, &asked) < AcceptBudget::kMost) ++turns;
  EXPECT_LE(turns, AcceptBudget::kRarestProbe + 5);
}

TEST(AcceptBudget, BeginsWithOneOnceAllAreTaken) {
  AcceptBudget budget;
  int asked = 0;
  for (int i = 0; i < 10; ++i) Turn(budget, 10'000, &asked);
  Turn(budget, 3, &asked);
  EXPECT_EQ(budget.Begin(), 1);
}

}  // namespace
}  // namespace drover::rpc
