// Bytes from anywhere: decoding gives a value or InvalidArgument, and does nothing worse.
#include <cstring>
#include <random>
#include <string>

#include "drover/object/codec.h"
#include "everything.drover.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

using testing::HasSubstr;

std::string Sample() {
  everything::Node node{.label = "root", .next = everything::Node{.label = "next"}};
  node.children = {{.label = "a"}, {.label = "b"}};
  node.partner->years = 1;
  return *Encode(node);
}

std::string SampleShapes() {
  everything::Shape inner;
  inner.set_label("inner");
  everything::Shape shape;
  shape.set_parts({inner, inner, everything::Shape{}});
  return *Encode(shape);
}

template <class T>
void ExpectValueOrInvalid(std::string_view bytes) {
  absl::StatusOr<T> value = Decode<T>(bytes);
  if (!value.ok()) {
    EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument) << value.status();
  }
}

TEST(Malformed, NoBytesAreNoMessage) {
  EXPECT_EQ(Decode<everything::Node>("").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Malformed, EveryTruncationIsRefused) {
  const std::string bytes = Sample();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Decode<everything::Node>(bytes.substr(0, size)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << size << " of " << bytes.size();
  }
}

TEST(Malformed, TrailingBytesAreRefused) {
  const absl::Status status = Decode<everything::Node>(Sample() + std::string(16, 'x')).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("16 bytes follow"));
}

TEST(Malformed, ASegmentCountThatWrapsAroundIsRefused) {
  std::string bytes = Sample();
  std::memset(bytes.data(), 0xff, 4);
  const absl::Status status = Decode<everything::Node>(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("segments"));
}

TEST(Malformed, EveryFlippedBitGivesAValueOrAnError) {
  for (const std::string& sample : {Sample(), SampleShapes()}) {
    for (size_t bit = 0; bit < 8 * sample.size(); ++bit) {
      std::string bytes = sample;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      ExpectValueOrInvalid<everything::Node>(bytes);
      ExpectValueOrInvalid<everything::Shape>(bytes);
      ExpectValueOrInvalid<everything::Lists>(bytes);
      ExpectValueOrInvalid<everything::Handles>(bytes);
    }
  }
}

TEST(Malformed, RandomBytesGiveAValueOrAnError) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = round % 2 == 0 ? Sample() : SampleShapes();
    for (uint32_t changes = random() % 8 + 1; changes > 0; --changes) {
      bytes[8 + random() % (bytes.size() - 8)] = static_cast<char>(random());
    }
    ExpectValueOrInvalid<everything::Node>(bytes);
    ExpectValueOrInvalid<everything::Shape>(bytes);
    ExpectValueOrInvalid<everything::Lists>(bytes);
    ExpectValueOrInvalid<everything::Handles>(bytes);
    ExpectValueOrInvalid<everything::Defaults>(bytes);
  }
}

TEST(Malformed, NestingBeyondTheLimitIsRefused) {
  everything::Node node;
  for (int depth = 0; depth < 100; ++depth) {
    everything::Node outer;
    outer.next = std::move(node);
    node = std::move(outer);
  }
  absl::StatusOr<std::string> bytes = Encode(node);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(Decode<everything::Node>(*bytes).status().code(), absl::StatusCode::kInvalidArgument);
}

// One word after the root: a list of 2^28 elements without size, which as values would fill memory.
TEST(Malformed, AListOfNothingTakesNoMemoryBeyondItsMessage) {
  everything::Lists lists;
  lists.nothings.resize(1);
  std::string bytes = *Encode(lists);
  // The list's pointer is the first of the root's: element size 0, so its upper half is the count.
  const uint32_t count_and_size = (1u << 28) << 3;
  std::memcpy(bytes.data() + 8 + 8 + 4, &count_and_size, 4);
  EXPECT_EQ(Decode<everything::Lists>(bytes).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Malformed, UnalignedBytesAreRead) {
  const std::string bytes = "x" + Sample();
  EXPECT_TRUE(Decode<everything::Node>(std::string_view(bytes).substr(1)).ok());
}

}  // namespace
}  // namespace drover
