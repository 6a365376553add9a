#include "drover/group/item_schedule.h"

#include "gtest/gtest.h"

namespace drover::group {
namespace {

TEST(ItemSchedule, GivesEachItemToTheProxyWithTheFewest) {
  ItemSchedule schedule(2, 4, /*in_flight=*/2);
  for (size_t item = 0; item < 4; ++item) {
    auto step = schedule.Start();
    ASSERT_TRUE(step);
    EXPECT_EQ(step->item, item);
    EXPECT_EQ(step->proxy, item % 2);
  }
  EXPECT_FALSE(schedule.Start());
}

TEST(ItemSchedule, HoldsBackWhatExceedsTheLimitOfAProxy) {
  ItemSchedule schedule(1, 2, /*in_flight=*/1);
  ASSERT_TRUE(schedule.Start());
  EXPECT_FALSE(schedule.Start());
  schedule.Finish(0);
  auto step = schedule.Start();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->item, 1u);
  EXPECT_FALSE(schedule.done());
  schedule.Finish(1);
  EXPECT_TRUE(schedule.done());
}

TEST(ItemSchedule, StartsALostItemAgainElsewhereAndFirst) {
  ItemSchedule schedule(2, 4, /*in_flight=*/1);
  ASSERT_EQ(schedule.Start()->proxy, 0u);
  ASSERT_EQ(schedule.Start()->proxy, 1u);
  EXPECT_TRUE(schedule.Lose(0));
  EXPECT_FALSE(schedule.Start());
  schedule.Finish(1);
  auto step = schedule.Start();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->item, 0u);
  EXPECT_EQ(step->proxy, 1u);
}

TEST(ItemSchedule, TellsWhenNoProxyIsLeft) {
  ItemSchedule schedule(2, 2, /*in_flight=*/1);
  ASSERT_TRUE(schedule.Start());
  ASSERT_TRUE(schedule.Start());
  EXPECT_TRUE(schedule.Lose(0));
  EXPECT_FALSE(schedule.Lose(1));
}

TEST(ItemSchedule, IsDoneWithoutItems) { EXPECT_TRUE(ItemSchedule(0, 0, 1).done()); }

}  // namespace
}  // namespace drover::group
