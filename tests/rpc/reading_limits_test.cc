// Limits on how long a message may take to arrive, and on what is read of it.
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "drover/rpc/frame_watch.h"
#include "drover/rpc/limits.h"
#include "drover/wire/in_message.h"
#include "gtest/gtest.h"

namespace drover::rpc {
namespace {

using Words = std::vector<uint64_t>;

TEST(FrameTime, GrowsWithTheBytesThatHaveArrived) {
  FrameWatch watch;
  EXPECT_TRUE(watch.Note(/*whole=*/false, 100, absl::Seconds(10)));
  const int64_t at_first = watch.deadline();
  EXPECT_FALSE(watch.Note(false, 1 << 20, absl::Seconds(10)));
  EXPECT_EQ(watch.deadline() - at_first, (1 << 20) / Limits::kLeastBytesPerSecond * 1'000'000'000);
}

TEST(FrameTime, BeginsAnewWithEachFrame) {
  FrameWatch watch;
  EXPECT_TRUE(watch.Note(false, 100, absl::Seconds(10)));
  EXPECT_FALSE(watch.Note(true, 0, absl::Seconds(10)));
  EXPECT_EQ(watch.deadline(), FrameWatch::kNever);
  EXPECT_TRUE(watch.Note(true, 8, absl::Seconds(10)));
  EXPECT_TRUE(watch.Note(true, 8, absl::Seconds(10)));  // the next one
}

TEST(FrameTime, MayBeUnlimited) {
  FrameWatch watch;
  EXPECT_FALSE(watch.Note(false, 100, absl::InfiniteDuration()));
  EXPECT_EQ(watch.deadline(), FrameWatch::kNever);
}

// A message of one segment.
std::unique_ptr<wire::InMessage> Read(const Words& words) {
  auto block = base::MakeRef<wire::Block>(8 + words.size() * 8);
  const uint32_t header[2] = {0, static_cast<uint32_t>(words.size())};
  std::memcpy(block->data(), header, 8);
  std::memcpy(block->data() + 8, words.data(), words.size() * 8);
  wire::Frame frame;
  frame.header = wire::ParseFrameHeader({block->data(), block->capacity()}, 1 << 30).value();
  frame.bytes = block->data();
  frame.block = std::move(block);
  return std::make_unique<wire::InMessage>(std::move(frame));
}

// A struct of one pointer, to a struct of one pointer, and so on.
size_t DepthThatCanBeRead(int depth) {
  auto message = Read(Words(static_cast<size_t>(depth) + 1, uint64_t{1} << 48));
  capnp::AnyPointer::Reader pointer = message->any_root();
  for (int i = 0; i < depth; ++i) {
    try {
      pointer = pointer.getAs<capnp::AnyStruct>().getPointerSection()[0];
    } catch (const kj::Exception&) {
      return static_cast<size_t>(i);
    }
  }
  return static_cast<size_t>(depth);
}

TEST(ReadingAMessage, EndsAtTheNestingLimit) {
  EXPECT_EQ(wire::kNestingLimit, 64);
  EXPECT_EQ(DepthThatCanBeRead(64), 64u);
  EXPECT_EQ(DepthThatCanBeRead(100), 64u);
}

// How often a blob of so many words can be read.
size_t ReadsOf(size_t words) {
  Words content(words + 1);
  content[0] = uint64_t{words * 8} << 35 | uint64_t{2} << 32 | 1;  // a list of bytes
  auto message = Read(content);
  for (size_t reads = 0;; ++reads) {
    try {
      message->any_root().getAs<capnp::Data>();
    } catch (const kj::Exception&) {
      return reads;
    }
  }
}

TEST(ReadingAMessage, EndsAtEightTimesItsSizeOrHalfAMegabyte) {
  EXPECT_EQ(wire::TraversalLimitWords(1), 64u * 1024);
  EXPECT_EQ(wire::TraversalLimitWords(1 << 20), 8u * (1 << 20) / 8);
  EXPECT_EQ(ReadsOf(1024), 63u);  // 64 times 1024 words, and the pointer each time
  EXPECT_EQ(ReadsOf(1 << 17), 8u);
}

}  // namespace
}  // namespace drover::rpc
