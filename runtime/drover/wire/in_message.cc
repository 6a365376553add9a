#include "drover/wire/in_message.h"

#include <cstring>
#include <limits>
#include <utility>

namespace drover::wire {

int PeekKind(const Frame& frame) {
  const size_t words = (frame.header.total_bytes - frame.header.header_bytes) / 8;
  if (frame.header.segments != 1 || words < 2) return -1;
  // The root pointer: kind in the low two bits (0: struct), a signed offset in words, then the
  // sizes of the data and pointer sections. The tag is the first field of the data.
  uint64_t root;
  std::memcpy(&root, frame.bytes + frame.header.header_bytes, sizeof(root));
  const auto low = static_cast<uint32_t>(root);
  const int64_t data = 1 + int64_t{static_cast<int32_t>(low) >> 2};
  const bool has_data = ((root >> 32) & 0xffff) != 0;
  if ((low & 3) != 0 || !has_data || data < 1 || data >= static_cast<int64_t>(words)) return -1;
  uint16_t tag;
  std::memcpy(&tag, frame.bytes + frame.header.header_bytes + 8 * data, sizeof(tag));
  return tag;
}

InMessage::InMessage(Frame frame) : frame_(std::move(frame)) {
  frame_.Keep();
  if (frame_.in_place) {
    for (const InPlaceSegments::Segment& segment : frame_.in_place->segments()) {
      more_segments_.push_back(kj::arrayPtr(reinterpret_cast<const capnp::word*>(segment.data()),
                                            segment.size() / sizeof(capnp::word)));
    }
    MakeReader(TraversalLimitWords(frame_.header.total_bytes));
    return;
  }
  const auto* words =
      reinterpret_cast<const capnp::word*>(frame_.bytes + frame_.header.header_bytes);
  if (frame_.header.segments == 1) {
    one_segment_ = kj::arrayPtr(
        words, (frame_.header.total_bytes - frame_.header.header_bytes) / sizeof(capnp::word));
  } else {
    more_segments_.reserve(frame_.header.segments);
    for (uint32_t i = 0; i < frame_.header.segments; ++i) {
      uint32_t size;
      std::memcpy(&size, frame_.bytes + 4 + size_t{4} * i, sizeof(size));
      more_segments_.push_back(kj::arrayPtr(words, size));
      words += size;
    }
  }
  MakeReader(TraversalLimitWords(frame_.header.total_bytes));
}

void InMessage::LiftTraversalLimit() { MakeReader(std::numeric_limits<uint64_t>::max()); }

void InMessage::MakeReader(uint64_t limit_words) {
  const kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments =
      frame_.header.segments == 1 ? kj::arrayPtr(&one_segment_, 1)
                                  : kj::arrayPtr(more_segments_.data(), more_segments_.size());
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limit_words;
  options.nestingLimit = kNestingLimit;
  reader_.emplace(segments, options);
}

}  // namespace drover::wire
