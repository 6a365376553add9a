// Memory for large messages, at both of its ends.
#include "drover/transport/shared_arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"

namespace drover::transport {
namespace {

using ::testing::HasSubstr;

constexpr size_t kMega = 1 << 20;

class Arena : public testing::Test {
 protected:
  // Of the memory itself, whoever has mapped it.
  size_t BytesInMemory() const {
    struct stat status;
    EXPECT_EQ(fstat(made_.fd.get(), &status), 0);
    return static_cast<size_t>(status.st_blocks) * 512;
  }
  SharedArena& ours() { return *made_.arena; }
  SharedArena& theirs() { return *theirs_; }

 private:
  SharedArena::Made made_ = SharedArena::Make().value();
  base::Ref<SharedArena> theirs_ = SharedArena::Open(made_.fd.get()).value();
};

TEST_F(Arena, HasAtOneEndWhatWasBuiltAtTheOther) {
  for (auto [from, to] : {std::pair(&ours(), &theirs()), std::pair(&theirs(), &ours())}) {
    const SharedArena::Block block = from->Take(kMega);
    ASSERT_NE(block.data, nullptr);
    EXPECT_GE(block.bytes, kMega);
    std::memcpy(block.data + kMega - 8, "the end", 8);
    const std::byte* at = to->At(block.offset, kMega);
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(std::memcmp(at + kMega - 8, "the end", 8), 0);
  }
}

TEST_F(Arena, HasABlockFreeOnceBuilderAndPeerHaveLetGo) {
  for (const bool peer_first : {false, true}) {
    const SharedArena::Block block = ours().Take(kMega);
    ours().HandOver(block.index);
    EXPECT_EQ(ours().blocks_in_use(), 1u);
    if (peer_first) {
      theirs().Release(block.index);
    } else {
      ours().Give(block.index);
    }
    EXPECT_EQ(ours().blocks_in_use(), 1u);
    if (peer_first) {
      ours().Give(block.index);
    } else {
      theirs().Release(block.index);
    }
    EXPECT_EQ(ours().blocks_in_use(), 0u);
  }
}

TEST_F(Arena, HasABlockFreeThatWasNeverHandedOver) {
  ours().Give(ours().Take(kMega).index);
  EXPECT_EQ(ours().blocks_in_use(), 0u);
}

TEST_F(Arena, HasABlockThatWasSentBackFreeOnceItsBuilderHasReadIt) {
  const SharedArena::Block block = ours().Take(kMega);
  std::memcpy(block.data, "back", 4);
  ours().HandOver(block.index);
  ours().Give(block.index);
  const std::byte* const there = theirs().At(block.offset, kMega);
  theirs().Lend(block.index);
  theirs().Release(block.index);
  const std::byte* const here = ours().OwnAt(theirs().OffsetOf(there), kMega);
  EXPECT_EQ(here, block.data);
  EXPECT_EQ(ours().blocks_in_use(), 1u);
  ours().ReleaseOwn(block.index);
  EXPECT_EQ(ours().blocks_in_use(), 0u);
}

TEST_F(Arena, TakesTheLeastPlaceThatHasRoom) {
  const SharedArena::Block first = ours().Take(kMega);
  const SharedArena::Block second = ours().Take(2 * kMega);
  const SharedArena::Block third = ours().Take(kMega);
  EXPECT_EQ(first.offset, 0u);
  EXPECT_EQ(second.offset, first.bytes);
  EXPECT_EQ(third.offset, second.offset + second.bytes);
  ours().Give(second.index);
  EXPECT_EQ(ours().Take(3 * kMega).offset, third.offset + third.bytes);
  EXPECT_EQ(ours().Take(kMega).offset, second.offset);
}

TEST_F(Arena, HasNoRoomForMoreThanItsRegionOrItsTable) {
  EXPECT_EQ(ours().Take(SharedArena::kRegionBytes + 1).data, nullptr);
  EXPECT_EQ(ours().Take(0).data, nullptr);
  std::vector<uint32_t> taken;
  for (SharedArena::Block b = ours().Take(kMega); b.data != nullptr; b = ours().Take(kMega)) {
    taken.push_back(b.index);
  }
  EXPECT_EQ(taken.size(), SharedArena::kRegionBytes / kMega);
  for (const uint32_t index : taken) ours().Give(index);
  for (uint32_t i = 0; i < SharedArena::kBlocks; ++i) ASSERT_NE(ours().Take(1).data, nullptr);
  EXPECT_EQ(ours().Take(1).data, nullptr);
}

TEST_F(Arena, GivesNothingOutsideOfItsRegion) {
  EXPECT_NE(theirs().At(SharedArena::kRegionBytes - 8, 8), nullptr);
  EXPECT_EQ(theirs().At(SharedArena::kRegionBytes - 8, 16), nullptr);
  EXPECT_EQ(theirs().At(SharedArena::kRegionBytes + 8, 0), nullptr);
  EXPECT_EQ(theirs().At(UINT64_MAX - 7, 16), nullptr);
  EXPECT_EQ(theirs().At(4, 8), nullptr);  // not at a whole word
  EXPECT_EQ(theirs().OwnAt(SharedArena::kRegionBytes - 8, 16), nullptr);
}

TEST_F(Arena, GivesMemoryBackThatIsNotUsed) {
  const SharedArena::Block kept = ours().Take(kMega);
  std::memset(kept.data, 'k', kMega);
  const SharedArena::Block left = ours().Take(4 * kMega);
  std::memset(left.data, 'l', 4 * kMega);
  ours().Give(left.index);
  EXPECT_FALSE(ours().AreUnused());  // as of before
  EXPECT_GE(BytesInMemory(), 5 * kMega);
  EXPECT_FALSE(ours().AreUnused());  // of what is kept
  EXPECT_LT(BytesInMemory(), 2 * kMega);
  EXPECT_EQ(kept.data[kMega - 1], std::byte{'k'});
  ours().Give(kept.index);
  EXPECT_TRUE(ours().AreUnused());
  EXPECT_LT(BytesInMemory(), kMega);
  EXPECT_NE(ours().Take(4 * kMega).data, nullptr);
}

TEST_F(Arena, IsWatchedFromTheFirstBlockUntilThereIsNone) {
  int watches = 0;
  ours().set_watch([&](base::Ref<SharedArena> arena) {
    EXPECT_EQ(arena.get(), &ours());
    ++watches;
  });
  EXPECT_EQ(watches, 0);
  const SharedArena::Block block = ours().Take(kMega);
  ours().Take(kMega);
  EXPECT_EQ(watches, 1);
  EXPECT_FALSE(ours().AreUnused());
  ours().Give(block.index);
  EXPECT_FALSE(ours().AreUnused());  // of the other one
  ours().Take(kMega);
  EXPECT_EQ(watches, 1);
  ours().StopWatching();
}

TEST_F(Arena, IsWatchedAgainAfterItWasUnused) {
  int watches = 0;
  ours().set_watch([&](const base::Ref<SharedArena>&) { ++watches; });
  for (int i = 1; i <= 3; ++i) {
    ours().Give(ours().Take(kMega).index);
    EXPECT_EQ(watches, i);
    EXPECT_FALSE(ours().AreUnused());
    EXPECT_TRUE(ours().AreUnused());
  }
}

TEST_F(Arena, TellsItsMakerWhenThePeerHasOpenedIt) {
  const SharedArena::Made made = SharedArena::Make().value();
  EXPECT_FALSE(made.arena->peer_has_it());
  const auto taken = SharedArena::Open(made.fd.get()).value();
  EXPECT_TRUE(made.arena->peer_has_it());
  EXPECT_TRUE(taken->peer_has_it());
}

TEST_F(Arena, IsLeftAloneByAForkedChild) {
  const SharedArena::Block block = ours().Take(kMega);
  ours().HandOver(block.index);
  testing_support::ChildProcess child([&] {
    ours().Give(block.index);
    theirs().Release(block.index);
    return ours().Take(kMega).data == nullptr ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_EQ(ours().blocks_in_use(), 1u);
}

void ExpectRefused(int fd, const std::string& why) {
  const absl::Status status = SharedArena::Open(fd).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(why));
}

TEST(ArenaOfAPeer, IsRefusedUnlessItIsOne) {
  base::UniqueFd fd(memfd_create("of-a-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(fd.get(), 64 * 1024 + 2 * SharedArena::kRegionBytes), 0);
  ExpectRefused(fd.get(), "is not sealed");
  ASSERT_EQ(fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
  ExpectRefused(fd.get(), "layout that is not known here");
  base::UniqueFd small(memfd_create("of-a-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(fcntl(small.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
  ExpectRefused(small.get(), "has 0 bytes");
  base::UniqueFd none(open("/dev/null", O_RDWR | O_CLOEXEC));
  ExpectRefused(none.get(), "is not memory that can be sealed");
}

}  // namespace
}  // namespace drover::transport
