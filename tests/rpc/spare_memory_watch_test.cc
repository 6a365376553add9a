#include "drover/rpc/spare_memory_watch.h"

#include <memory>

#include "drover/wire/spare_memory.h"
#include "gtest/gtest.h"
#include "support/manual_timers.h"
#include "support/mapping.h"

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

TEST(ArenaWatch, EndsWithTheLastWhoNeedsTheArena) {
  ManualTimers timers;
  auto made = transport::SharedArena::Make().value();
  made.arena->set_watch(WatchOf(timers));
  // A peer that is gone keeps it for ever.
  const auto block = made.arena->Take(1 << 20);
  made.arena->HandOver(block.index);
  made.arena->Give(block.index);
  timers.Advance(absl::Seconds(10));
  EXPECT_EQ(made.arena->blocks_in_use(), 1u);
  EXPECT_FALSE(made.arena->Unshared());  // it is watched
  made.arena->AddRef();
  const auto* const arena = made.arena.get();
  made.arena = nullptr;
  timers.Advance(absl::Seconds(10));
  EXPECT_FALSE(arena->Unshared());  // this test's
  arena->Unref();
  EXPECT_TRUE(arena->Unshared());  // the watch's, which ends
  timers.Advance(absl::Seconds(1));
  EXPECT_EQ(testing_support::MappingOf(block.data), "");
}

}  // namespace
}  // namespace drover::rpc
