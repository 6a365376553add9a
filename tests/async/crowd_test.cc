#include "drover/async/crowd.h"

#include <gtest/gtest.h>

namespace drover::async {
namespace {

constexpr int64_t kNothing = Crowd::kTurnNanos / 2;
constexpr int64_t kTurn = 2 * Crowd::kTurnNanos;
constexpr int64_t kLong = 2 * Crowd::kLongTurnNanos;
constexpr uint32_t kManyRounds = 1000;

int Yields(const Crowd& crowd) {
  int yields = 0;
  for (uint32_t round = 0; round < kManyRounds; ++round) yields += crowd.WantsYield(round);
  return yields;
}

// How long nobody is to poll after a turn of that length that ended at 0.
int64_t RestAfter(Crowd& crowd, int64_t nanos) {
  crowd.NoteTurn(nanos, 0);
  int64_t rest = 0;
  while (crowd.Rests(rest)) rest += nanos;
  return rest;
}

TEST(Crowd, IsNotThereAtFirstAndIsLookedForInLongerWaitsOnly) {
  const Crowd crowd;
  EXPECT_FALSE(crowd.crowded());
  EXPECT_FALSE(crowd.WantsYield(0));
  EXPECT_GT(Yields(crowd), 0);
  EXPECT_LT(Yields(crowd), static_cast<int>(kManyRounds) / 2);
}

TEST(Crowd, IsThereOnceOthersHadATurn) {
  Crowd crowd;
  crowd.NoteTurn(kTurn, 0);
  EXPECT_TRUE(crowd.crowded());
  EXPECT_EQ(Yields(crowd), static_cast<int>(kManyRounds));
  EXPECT_FALSE(crowd.Rests(0));
}

TEST(Crowd, IsGoneAfterSomeYieldsThatCameBackAtOnce) {
  Crowd crowd;
  crowd.NoteTurn(kTurn, 0);
  int yields = 0;
  for (; crowd.crowded(); ++yields) crowd.NoteTurn(kNothing, 0);
  EXPECT_GT(yields, 1);
  EXPECT_FALSE(crowd.WantsYield(0));
}

TEST(Crowd, RestsLessAgainOnceTurnsAreShort) {
  Crowd crowd;
  for (int i = 0; i < 10; ++i) crowd.NoteTurn(kLong, 0);
  for (int i = 0; i < 100'000; ++i) crowd.NoteTurn(kTurn, 0);
  constexpr int64_t kLater = 1000 * kLong;
  crowd.NoteTurn(Crowd::kMostSavedNanos, kLater);
  EXPECT_FALSE(crowd.Rests(kLater));
  crowd.NoteTurn(kLong, kLater);
  EXPECT_TRUE(crowd.Rests(kLater + kLong - 1));
  EXPECT_FALSE(crowd.Rests(kLater + kLong));
}

TEST(Crowd, RestsOnlyOnceLongTurnsHaveCostMoreThanShortOnesSaved) {
  Crowd crowd;
  for (int64_t saved = 0; saved < 2 * kLong; saved += Crowd::kSavedNanos) crowd.NoteTurn(kTurn, 0);
  EXPECT_EQ(RestAfter(crowd, kLong), 0);
  EXPECT_EQ(RestAfter(crowd, kLong), 0);
  EXPECT_EQ(RestAfter(crowd, kLong), kLong);
}

TEST(Crowd, BearsLongTurnsForABoundedTimeHoweverMuchWasSaved) {
  Crowd crowd;
  for (int i = 0; i < 1'000'000; ++i) crowd.NoteTurn(kTurn, 0);
  int64_t borne = 0;
  for (; !crowd.Rests(0); borne += kLong) crowd.NoteTurn(kLong, 0);
  EXPECT_LE(borne, Crowd::kMostSavedNanos + kLong);
}

TEST(Crowd, SavesNothingWhereNobodyHadATurn) {
  Crowd crowd;
  for (int i = 0; i < 100'000; ++i) crowd.NoteTurn(kNothing, 0);
  EXPECT_EQ(RestAfter(crowd, kLong), kLong);
}

TEST(Crowd, DoesNotYieldWhileItRests) {
  Crowd crowd;
  crowd.NoteTurn(kLong, 0);
  int64_t now = 1;
  EXPECT_FALSE(crowd.Yield(&now));
  EXPECT_EQ(now, 1);
}

TEST(YieldUntil, EndsWhenItIsDoneOrItsTimeIsOver) {
  int looks = 0;
  // It ends early, too, where a turn of whatever else runs here was long.
  while (looks < 3) {
    Crowd crowd;
    const bool done = YieldUntil(crowd, 3'600'000'000'000, [&] { return ++looks >= 3; });
    EXPECT_EQ(done, looks == 3);
  }
  Crowd crowd;
  EXPECT_FALSE(YieldUntil(crowd, 0, [] { return false; }));
}

}  // namespace
}  // namespace drover::async
