#include "drover/async/rest.h"

#include <gtest/gtest.h>

namespace drover::async {
namespace {

constexpr int64_t kTurn = 1'000'000;
static_assert(kTurn < Rest::kLongestTurn);

// How long it rests after a turn of that length; looks at each `step`.
int64_t RestAfter(Rest& rest, int64_t turn, int64_t step = kTurn) {
  rest.NoteLong(turn, 0);
  int64_t now = 0;
  while (rest.Rests(now)) now += step;
  return now;
}

TEST(Rest, IsNotNeededAtFirst) {
  const Rest rest;
  EXPECT_FALSE(rest.Rests(0));
  EXPECT_FALSE(rest.wary());
}

TEST(Rest, IsLongerAndLongerUpToAHundredTimesTheTurn) {
  Rest rest;
  EXPECT_EQ(RestAfter(rest, kTurn), kTurn);
  EXPECT_TRUE(rest.wary());
  EXPECT_EQ(RestAfter(rest, kTurn), 4 * kTurn);
  EXPECT_EQ(RestAfter(rest, kTurn), 16 * kTurn);
  EXPECT_EQ(RestAfter(rest, kTurn), 64 * kTurn);
  EXPECT_EQ(RestAfter(rest, kTurn), 100 * kTurn);
  EXPECT_EQ(RestAfter(rest, kTurn), 100 * kTurn);
}

TEST(Rest, IsShortAgainAfterManyShortTurns) {
  Rest rest;
  for (int i = 0; i < 10; ++i) rest.NoteLong(kTurn, 0);
  for (int i = 0; i < 100'000; ++i) rest.NoteShort();
  EXPECT_FALSE(rest.wary());
  EXPECT_EQ(RestAfter(rest, kTurn), kTurn);
}

TEST(Rest, IsNotShorterAfterFewShortTurns) {
  Rest rest;
  rest.NoteLong(kTurn, 0);
  for (int i = 0; i < 100; ++i) rest.NoteShort();
  EXPECT_EQ(RestAfter(rest, kTurn), 4 * kTurn);
}

TEST(Rest, IsNotOfHoursBecauseTheProcessWasStopped) {
  constexpr int64_t kHour = 3'600'000'000'000;
  Rest rest;
  EXPECT_EQ(RestAfter(rest, kHour, Rest::kLongestTurn), Rest::kLongestTurn);
}

}  // namespace
}  // namespace drover::async
