#include "drover/wire/spare_memory.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"

namespace drover::wire {
namespace {

constexpr size_t kMega = 1 << 20;

class Spare : public testing::Test {
 protected:
  ~Spare() override { SpareMemory::StopKeeping(); }
};

TEST_F(Spare, MemoryIsGivenBackAtOnceUnlessSomebodySeesToItLater) {
  SpareMemory::Give(SpareMemory::Take(kMega));
  EXPECT_EQ(SpareMemory::spare_bytes(), 0u);
}

TEST_F(Spare, MemoryIsUsedAgain) {
  ASSERT_TRUE(SpareMemory::Keep());
  const Memory memory = SpareMemory::Take(kMega);
  SpareMemory::Give(memory);
  EXPECT_EQ(SpareMemory::spare_bytes(), memory.size);
  const Memory again = SpareMemory::Take(kMega - 1);
  EXPECT_EQ(again.data, memory.data);
  EXPECT_EQ(SpareMemory::spare_bytes(), 0u);
  SpareMemory::Give(again);
}

TEST_F(Spare, MemoryIsOfTheSizeThatIsWanted) {
  ASSERT_TRUE(SpareMemory::Keep());
  SpareMemory::Give(SpareMemory::Take(kMega));
  EXPECT_EQ(SpareMemory::TakeSpare(4 * kMega).data, nullptr);  // too small
  EXPECT_EQ(SpareMemory::TakeSpare(kMega / 8).data, nullptr);  // a waste
  EXPECT_EQ(SpareMemory::TakeSpare(100).data, nullptr);
}

TEST_F(Spare, MemoryHasRoomForWhatWasAskedFor) {
  for (size_t bytes = 1; bytes <= SpareMemory::kMostPiece; bytes += bytes / 3 + 1) {
    const Memory memory = SpareMemory::Take(bytes);
    EXPECT_GE(memory.size, bytes);
    SpareMemory::Give(memory);
  }
}

TEST_F(Spare, MemoryHasABound) {
  ASSERT_TRUE(SpareMemory::Keep());
  std::vector<Memory> taken;
  for (size_t bytes : {kMega / 8, kMega / 4, kMega, 2 * kMega, 4 * kMega}) {
    for (int i = 0; i < 10; ++i) taken.push_back(SpareMemory::Take(bytes));
  }
  for (const Memory& memory : taken) {
    SpareMemory::Give(memory);
    EXPECT_LE(SpareMemory::spare_bytes(), SpareMemory::kMostBytes);
  }
  EXPECT_GT(SpareMemory::spare_bytes(), 0u);
}

TEST_F(Spare, MemoryIsNoneOfWhatIsSmallOrVeryLarge) {
  ASSERT_TRUE(SpareMemory::Keep());
  SpareMemory::Give(SpareMemory::Take(SpareMemory::kLeastPiece - 1));
  SpareMemory::Give(SpareMemory::Take(SpareMemory::kMostPiece + 1));
  EXPECT_EQ(SpareMemory::spare_bytes(), 0u);
}

TEST_F(Spare, MemoryIsGivenBackOnceItIsNotUsed) {
  ASSERT_TRUE(SpareMemory::Keep());
  EXPECT_FALSE(SpareMemory::Keep());  // somebody sees to it
  SpareMemory::Give(SpareMemory::Take(kMega));
  EXPECT_FALSE(SpareMemory::AreUnused());
  EXPECT_GT(SpareMemory::spare_bytes(), 0u);
  EXPECT_TRUE(SpareMemory::AreUnused());
  EXPECT_EQ(SpareMemory::spare_bytes(), 0u);
  EXPECT_TRUE(SpareMemory::Keep());
}

TEST_F(Spare, MemoryIsClearedWhereThatIsAskedFor) {
  ASSERT_TRUE(SpareMemory::Keep());
  const Memory dirty = SpareMemory::Take(kMega);
  std::memset(dirty.data, 0xab, dirty.size);
  SpareMemory::Give(dirty);
  const Memory clear = SpareMemory::TakeZeroed(kMega);
  EXPECT_EQ(clear.data, dirty.data);
  EXPECT_TRUE(std::all_of(clear.data, clear.data + kMega,
                          [](std::byte byte) { return byte == std::byte{0}; }));
  SpareMemory::Give(clear);
}

TEST_F(Spare, MemoryThatGrowsKeepsWhatIsInIt) {
  ASSERT_TRUE(SpareMemory::Keep());
  SpareMemory::Give(SpareMemory::Take(kMega));
  Memory memory = SpareMemory::Take(kMega / 8);
  std::memset(memory.data, 0x5c, memory.size);
  const size_t filled = memory.size;
  for (size_t bytes :
       {kMega, 3 * kMega, 9 * kMega}) {  // what lies spare, what is new, what is not kept
    memory = SpareMemory::Grow(memory, bytes);
    EXPECT_GE(memory.size, bytes);
    EXPECT_TRUE(std::all_of(memory.data, memory.data + filled,
                            [](std::byte byte) { return byte == std::byte{0x5c}; }));
  }
  SpareMemory::Give(memory);
}

}  // namespace
}  // namespace drover::wire
