#include "drover/wire/segment_memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "drover/base/whole_data.h"

namespace drover::wire {
namespace {

// A message has no more segments of the kind: others hold what comes after them, and some receivers
// take no more than 511.
constexpr size_t kMostWhole = 64;
// So large is a segment that is worth a place in the arena.
constexpr size_t kLeastShared = base::kLargeData;
// Of a segment for data: its landing pad, and what is left of its last word.
constexpr size_t kMostBesideData = 2 * sizeof(capnp::word);

}  // namespace

bool SegmentMemory::Reserve(size_t bytes) {
  if (!arena_ || reserved_.data != nullptr) return false;
  reserved_ = arena_->Take(bytes + kMostBesideData);
  return reserved_.data != nullptr;
}

void SegmentMemory::DropReserved() {
  if (reserved_.data != nullptr) arena_->Give(std::exchange(reserved_, {}).index);
}

Memory SegmentMemory::Take(size_t bytes) {
  if (arena_ && bytes >= kLeastShared) {
    blocks_.reserve(blocks_.size() + 1);  // which may throw
    const auto block =
        bytes <= reserved_.bytes ? std::exchange(reserved_, {}) : arena_->Take(bytes);
    if (block.data != nullptr) {
      blocks_.push_back(block);
      return {.data = block.data, .size = block.bytes};
    }
  }
  return segments_.emplace_back(SpareMemory::Take(bytes));
}

Memory SegmentMemory::TakeZeroed(size_t bytes) {
  if (arena_ && bytes >= kLeastShared) {
    const Memory memory = Take(bytes);
    std::memset(memory.data, 0, bytes);
    return memory;
  }
  return segments_.emplace_back(SpareMemory::TakeZeroed(bytes));
}

const transport::SharedArena::Block* SegmentMemory::BlockOf(const capnp::word* segment) const {
  const auto* const data = reinterpret_cast<const std::byte*>(segment);
  const auto block = std::ranges::find(blocks_, data, &transport::SharedArena::Block::data);
  return block != blocks_.end() ? &*block : nullptr;
}

kj::ArrayPtr<capnp::word> SegmentMemory::allocateSegment(unsigned least_words) {
  if (!begun_ && scratch_ != nullptr && least_words <= scratch_.size()) {
    begun_ = true;
    next_words_ = scratch_.size();
    return scratch_;
  }
  const bool first = !std::exchange(begun_, true);
  // Data in a segment of its own has a landing pad before it, unless it is still to be adopted.
  const size_t data = base::WholeData::Expected();
  const size_t data_words = (data + sizeof(capnp::word) - 1) / sizeof(capnp::word);
  const bool whole = least_words == data_words || least_words == data_words + 1;
  if (data != 0 && whole && segments_.size() + blocks_.size() < kMostWhole - 1) {
    // As large as what is in it, so that nothing else gets there.
    after_whole_ = true;
    const size_t bytes = least_words * sizeof(capnp::word);
    const Memory memory = Take(bytes);
    std::memset(memory.data, 0, sizeof(capnp::word));
    // The data may end inside the last word.
    std::memset(memory.data + bytes - sizeof(capnp::word), 0, sizeof(capnp::word));
    return kj::arrayPtr(reinterpret_cast<capnp::word*>(memory.data), least_words);
  }
  const size_t words = std::max<size_t>(least_words, next_words_);
  const Memory memory = TakeZeroed(words * sizeof(capnp::word));
  // Each as large as all before it; but behind data that was written whole there may be room in the
  // one before, which Cap'n Proto does not look at again.
  if (!std::exchange(after_whole_, false)) next_words_ = first ? words : next_words_ + words;
  return kj::arrayPtr(reinterpret_cast<capnp::word*>(memory.data), words);
}

SegmentMemory::~SegmentMemory() noexcept(false) {
  if (begun_ && scratch_ != nullptr) {
    const auto segments = getSegmentsForOutput();
    if (segments.size() > 0 && segments[0].begin() == scratch_.begin()) {
      std::memset(static_cast<void*>(scratch_.begin()), 0,
                  segments[0].size() * sizeof(capnp::word));
    }
  }
  for (const Memory& memory : segments_) SpareMemory::Give(memory);
  for (const auto& block : blocks_) arena_->Give(block.index);
  DropReserved();
}

}  // namespace drover::wire
