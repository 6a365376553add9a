#include "drover/wire/frame_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"

namespace drover::wire {
namespace {

constexpr size_t kMega = 1 << 20;
constexpr size_t kLimit = 8 * kMega;

// A frame of one segment, so many bytes in all, each of which differs from those near it.
std::vector<std::byte> FrameOf(size_t bytes) {
  std::vector<std::byte> frame(bytes);
  for (size_t i = 0; i < bytes; ++i) frame[i] = static_cast<std::byte>(i * 7 + i / 251);
  const uint32_t header[2] = {0, static_cast<uint32_t>(bytes / 8 - 1)};
  std::memcpy(frame.data(), header, sizeof header);
  return frame;
}

// As if so many of `bytes` came, in reads of `most` at most.
size_t Feed(FrameReader& reader, const std::vector<std::byte>& bytes, size_t from, size_t count,
            size_t most = SIZE_MAX) {
  while (count > 0) {
    const std::span<std::byte> space = reader.Space();
    const size_t n = std::min({space.size(), count, most});
    std::memcpy(space.data(), bytes.data() + from, n);
    reader.Fill(n);
    from += n;
    count -= n;
    Frame none;
    if (count > 0) {
      EXPECT_FALSE(reader.Next(&none).value());
    }
  }
  return from;
}

void ExpectIs(const Frame& frame, const std::vector<std::byte>& bytes) {
  ASSERT_EQ(frame.header.total_bytes, bytes.size());
  EXPECT_EQ(std::memcmp(frame.bytes, bytes.data(), bytes.size()), 0);
}

class Frames : public testing::Test {
 protected:
  Frames() { EXPECT_TRUE(SpareMemory::Keep()); }
  ~Frames() override { SpareMemory::StopKeeping(); }
};

TEST_F(Frames, OfAnySizeArriveWholeInReadsOfAnySize) {
  for (const bool spare : {false, true}) {
    for (size_t size : {size_t{16}, size_t{4'096}, size_t{65'536}, size_t{73'728}, size_t{73'736},
                        size_t{100'000}, kMega, kMega + 8'192, kMega + 8'200, 5 * kMega}) {
      for (size_t most : {size_t{7'001}, size_t{50'000}, SIZE_MAX}) {
        if (spare) SpareMemory::Give(SpareMemory::Take(size));
        const std::vector<std::byte> bytes = FrameOf(size);
        FrameReader reader(kLimit);
        Feed(reader, bytes, 0, size, most);
        Frame frame;
        ASSERT_TRUE(reader.Next(&frame).value());
        ExpectIs(frame, bytes);
        EXPECT_EQ(reader.pending(), 0u);
      }
    }
  }
}

TEST_F(Frames, ThatAreAnnouncedTakeNoSpareMemoryUntilAPartHasArrived) {
  SpareMemory::Give(SpareMemory::Take(kMega));
  const std::vector<std::byte> bytes = FrameOf(kMega);
  FrameReader reader(kLimit);
  size_t at = Feed(reader, bytes, 0, 8);
  Frame frame;
  ASSERT_FALSE(reader.Next(&frame).value());
  EXPECT_LT(reader.Space().size(), 100'000u);
  at = Feed(reader, bytes, at, SpareMemory::kLargePart - 16);
  ASSERT_FALSE(reader.Next(&frame).value());
  EXPECT_LT(reader.Space().size(), 200'000u);
  EXPECT_GE(SpareMemory::spare_bytes(), kMega);

  at = Feed(reader, bytes, at, reader.Space().size());
  ASSERT_FALSE(reader.Next(&frame).value());
  EXPECT_GE(reader.Space().size(), kMega - at);  // all the rest in one read
  EXPECT_LT(SpareMemory::spare_bytes(), kMega);
  Feed(reader, bytes, at, kMega - at);
  ASSERT_TRUE(reader.Next(&frame).value());
  ExpectIs(frame, bytes);
}

TEST_F(Frames, GrowWithWhatHasArrivedWhereNothingLiesSpare) {
  const std::vector<std::byte> bytes = FrameOf(4 * kMega);
  FrameReader reader(kLimit);
  Frame frame;
  for (size_t at = 0; at < bytes.size();) {
    const size_t space = reader.Space().size();
    EXPECT_LE(space, 4 * at + 128 * 1024);
    at = Feed(reader, bytes, at, std::min(space, bytes.size() - at));
    ASSERT_EQ(reader.Next(&frame).value(), at == bytes.size());
  }
  ExpectIs(frame, bytes);
}

TEST_F(Frames, ThatAreLargeTakeTheirMemoryWithThem) {
  const std::vector<std::byte> bytes = FrameOf(kMega);
  FrameReader reader(kLimit);
  Feed(reader, bytes, 0, kMega);
  Frame frame;
  ASSERT_TRUE(reader.Next(&frame).value());
  const size_t before = SpareMemory::spare_bytes();
  frame = Frame();
  EXPECT_GE(SpareMemory::spare_bytes(), before + kMega);  // though the reader is still there
}

TEST_F(Frames, ThatAreKeptOutliveTheirReader) {
  const std::vector<std::byte> first = FrameOf(64);
  Frame frame;
  {
    FrameReader reader(kLimit);
    Feed(reader, first, 0, first.size());
    ASSERT_TRUE(reader.Next(&frame).value());
    frame.Keep();
    const std::byte* const kept = frame.bytes;
    Feed(reader, FrameOf(4'096), 0, 4'096);
    EXPECT_NE(reader.Space().data(), kept);
  }
  ExpectIs(frame, first);
}

TEST_F(Frames, ThatAreNotKeptLeaveTheirMemoryToTheNext) {
  const std::vector<std::byte> bytes = FrameOf(64);
  FrameReader reader(kLimit);
  const std::byte* const begin = reader.Space().data();
  for (int i = 0; i < 3; ++i) {
    Feed(reader, bytes, 0, bytes.size());
    Frame frame;
    ASSERT_TRUE(reader.Next(&frame).value());
    ExpectIs(frame, bytes);
    EXPECT_EQ(reader.Space().data(), begin);
  }
}

TEST_F(Frames, ThatComeBehindALargeOneDoNotChangeIt) {
  std::vector<std::byte> bytes = FrameOf(kMega);
  const std::vector<std::byte> second = FrameOf(200'000);
  bytes.insert(bytes.end(), second.begin(), second.end());
  FrameReader reader(kLimit);
  size_t at = 0;
  Frame frame;
  for (bool whole = false; !whole; whole = reader.Next(&frame).value()) {
    at = Feed(reader, bytes, at, std::min(reader.Space().size(), bytes.size() - at));
  }
  frame.Keep();
  Feed(reader, bytes, at, bytes.size() - at);
  Frame next;
  ASSERT_TRUE(reader.Next(&next).value());
  ExpectIs(next, second);
  bytes.resize(kMega);
  ExpectIs(frame, bytes);
}

TEST_F(Frames, ThatComeBehindALargeOneDoNotHoldItsMemory) {
  std::vector<std::byte> bytes = FrameOf(2 * kMega + 8'200);  // its block is larger by far
  const std::vector<std::byte> second = FrameOf(20'000);
  bytes.insert(bytes.end(), second.begin(), second.end());
  SpareMemory::Give(SpareMemory::Take(bytes.size()));
  FrameReader reader(kLimit);
  Frame frame;
  size_t at = 0;
  for (bool whole = false; !whole; whole = reader.Next(&frame).value()) {
    at = Feed(reader, bytes, at, std::min(reader.Space().size(), bytes.size() - at));
  }
  ASSERT_EQ(at, bytes.size());  // both came in one read
  frame.Keep();
  Frame next;
  ASSERT_TRUE(reader.Next(&next).value());
  ExpectIs(next, second);
  EXPECT_LT(next.block->capacity(), 100'000u);
}

}  // namespace
}  // namespace drover::wire
