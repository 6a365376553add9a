#include "drover/rpc/spare_memory_watch.h"

#include <memory>

#include "drover/wire/spare_memory.h"
#include "gtest/gtest.h"
#include "support/manual_timers.h"

namespace drover::rpc {
namespace {

using testing_support::ManualTimers;
using wire::SpareMemory;

TEST(SpareMemoryWatch, GivesMemoryBackASecondAfterItWasLastUsed) {
  ManualTimers timers;
  KeepSpareMemory(timers);
  SpareMemory::Give(SpareMemory::Take(1 << 20));
  EXPECT_GT(SpareMemory::spare_bytes(), 0u);
  timers.Advance(absl::Seconds(1));  // it was used since the last look
  SpareMemory::Give(SpareMemory::Take(1 << 20));
  timers.Advance(absl::Seconds(1));
  EXPECT_GT(SpareMemory::spare_bytes(), 0u);
  timers.Advance(absl::Seconds(1));
  EXPECT_EQ(SpareMemory::spare_bytes(), 0u);
  SpareMemory::Give(SpareMemory::Take(1 << 20));
  EXPECT_EQ(SpareMemory::spare_bytes(), 0u);  // nobody sees to it any more
}

TEST(SpareMemoryWatch, BeginsAgainWithTheNextLargeMessage) {
  ManualTimers timers;
  for (int i = 0; i < 2; ++i) {
    KeepSpareMemory(timers);
    SpareMemory::Give(SpareMemory::Take(1 << 20));
    EXPECT_GT(SpareMemory::spare_bytes(), 0u);
    timers.Advance(absl::Seconds(2));
    EXPECT_EQ(SpareMemory::spare_bytes(), 0u);
  }
}

TEST(SpareMemoryWatch, GivesMemoryBackWhenItsTimersGo) {
  auto timers = std::make_unique<ManualTimers>();
  KeepSpareMemory(*timers);
  SpareMemory::Give(SpareMemory::Take(1 << 20));
  timers = nullptr;
  EXPECT_EQ(SpareMemory::spare_bytes(), 0u);
  EXPECT_TRUE(SpareMemory::Keep());
  SpareMemory::StopKeeping();
}

}  // namespace
}  // namespace drover::rpc
