// Messages are checked against a schema before user code reads them in place: what passes is read
// without a throw, whatever it is.
#include <capnp/message.h>
#include <capnp/pretty-print.h>
#include <capnp/serialize.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "drover/object/codec.h"
#include "drover/object/message_shape_internal.h"
#include "everything.drover_zero_copy.h"
#include "gtest/gtest.h"

namespace drover::object {
namespace {

namespace wire = ::capnp_everything;

// One segment that is to be read as a message.
using Words = std::vector<uint64_t>;

template <class F>
auto Read(const Words& words, uint64_t limit, F&& f) {
  const auto segment =
      kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.data()), words.size());
  const kj::ArrayPtr<const capnp::word> segments[] = {segment};
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limit;
  capnp::SegmentArrayMessageReader reader(kj::arrayPtr(segments, 1), options);
  return f(reader.getRoot<capnp::AnyPointer>());
}

template <class T>
absl::Status Check(const Words& words) {
  return Read(words, 8 * words.size() + 1024,
              [](capnp::AnyPointer::Reader root) { return MessageShape::Of<T>().Check(root); });
}

// Reads every field that is there, through Cap'n Proto's own accessors.
template <class T>
void ReadAll(const Words& words) {
  Read(words, std::numeric_limits<uint64_t>::max(),
       [](capnp::AnyPointer::Reader root) { return kj::str(root.getAs<T>()).size(); });
}

template <class T>
void ExpectReadableOrInvalid(const Words& words) {
  const absl::Status sound = Check<T>(words);
  if (!sound.ok()) {
    EXPECT_EQ(sound.code(), absl::StatusCode::kInvalidArgument);
    return;
  }
  try {
    ReadAll<T>(words);
  } catch (const kj::Exception& e) {
    FAIL() << "passed, but reading it throws: " << e.getDescription().cStr();
  }
}

template <class T>
Words WordsOf(const T& value) {
  const std::string bytes = *Encode(value);
  Words words(bytes.size() / 8 - 1);  // without the table of segments
  std::memcpy(words.data(), bytes.data() + 8, 8 * words.size());
  return words;
}

Words SampleNode() {
  everything::Node node{.label = "root", .next = everything::Node{.label = "next"}};
  node.children = {{.label = "a"}, {.label = "b"}};
  node.partner->years = 1;
  return WordsOf(node);
}

Words SampleLists() {
  return WordsOf(everything::Lists{.flags = {true, false},
                                   .bytes = {1, 2},
                                   .texts = {"one", ""},
                                   .blobs = {{1}, {}},
                                   .cube = {{{1, 2}, {}}, {}},
                                   .bits = {{true}},
                                   .names = {{"a"}, {}}});
}

Words SampleShape() {
  everything::Shape inner;
  inner.set_label("inner");
  everything::Shape shape;
  shape.set_parts({inner, everything::Shape{}});
  return WordsOf(shape);
}

TEST(MessageShape, HonestMessagesPass) {
  EXPECT_TRUE(Check<wire::Node>(SampleNode()).ok());
  EXPECT_TRUE(Check<wire::Lists>(SampleLists()).ok());
  EXPECT_TRUE(Check<wire::Shape>(SampleShape()).ok());
  EXPECT_TRUE(Check<wire::Car>(WordsOf(everything::Car{})).ok());
}

TEST(MessageShape, NullIsAStructOfDefaults) { EXPECT_TRUE(Check<wire::Node>({0}).ok()); }

TEST(MessageShape, WhatPassesIsReadWithoutAThrow) {
  for (const Words& sample : {SampleNode(), SampleLists(), SampleShape()}) {
    for (size_t bit = 0; bit < 64 * sample.size(); ++bit) {
      Words words = sample;
      words[bit / 64] ^= uint64_t{1} << (bit % 64);
      ExpectReadableOrInvalid<wire::Node>(words);
      ExpectReadableOrInvalid<wire::Lists>(words);
      ExpectReadableOrInvalid<wire::Shape>(words);
      ExpectReadableOrInvalid<wire::Car>(words);
    }
  }
}

TEST(MessageShape, AlternativesThatAreNotSetAreNotLookedAt) {
  Words words = SampleShape();
  ASSERT_TRUE(Check<wire::Shape>(words).ok());
  everything::Shape number;
  number.set_circle(2);
  Words circle = WordsOf(number);
  // The pointer that the alternatives share, which no accessor follows while a number is set.
  circle.back() = 77;
  EXPECT_TRUE(Check<wire::Shape>(circle).ok());
  ExpectReadableOrInvalid<wire::Shape>(circle);
}

TEST(MessageShape, DataReadManyTimesOverIsRefused) {
  // A list of 64 pointers to one and the same text of 64 KiB.
  Words words;
  const uint64_t text_words = 8192;
  words.push_back(uint64_t{12} << 48);  // Lists, with no data and 12 pointers
  for (uint64_t slot = 0; slot < 12; ++slot) {
    // texts is pointer 4: a list of 64 pointers that begins behind the struct.
    words.push_back(slot == 4 ? uint64_t{64} << 35 | uint64_t{6} << 32 | ((11 - slot) << 2 | 1)
                              : 0);
  }
  for (uint64_t i = 0; i < 64; ++i) {
    words.push_back((text_words * 8) << 35 | uint64_t{2} << 32 | ((63 - i) << 2 | 1));
  }
  words.resize(words.size() + text_words, 0x2020202020202020);
  words.back() = 0x0020202020202020;  // ends in NUL
  const absl::Status status = Check<wire::Lists>(words);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_LT(words.size(), 10'000u);
}

TEST(MessageShape, ObjectsMustBeCapabilitiesOrNull) {
  // Store.watch's params: one pointer.
  const uint64_t params = uint64_t{1} << 48;
  EXPECT_TRUE(Check<wire::Store::WatchParams>({params, 0}).ok());
  EXPECT_TRUE(Check<wire::Store::WatchParams>({params, 3}).ok());
  EXPECT_EQ(Check<wire::Store::WatchParams>({params, uint64_t{1} << 48 | 0xfffffffc}).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(MessageShape, ListsOfListsOfObjectsAreLookedAt) {
  // Store.watchAll's params: a list of one list of one pointer.
  const uint64_t params = uint64_t{1} << 48;
  const uint64_t list = uint64_t{1} << 35 | uint64_t{6} << 32 | 1;
  EXPECT_TRUE(Check<wire::Store::WatchAllParams>({params, list, list, 3}).ok());
  EXPECT_EQ(Check<wire::Store::WatchAllParams>({params, list, list, uint64_t{1} << 48 | 0xfffffffc})
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace drover::object
