#include "drover/wire/in_place_frame.h"

#include <cstring>
#include <functional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace drover::wire {
namespace {

constexpr size_t kLeastShare = 4;

bool IsReaders(uint32_t block) { return (block & kReaders) != 0; }
uint32_t IndexOf(uint32_t block) { return block & ~kReaders; }

}  // namespace

absl::StatusOr<InPlaceHeader> ParseInPlaceHeader(std::span<const std::byte> bytes,
                                                 size_t max_bytes) {
  InPlaceHeader header;
  uint32_t head[2];
  if (bytes.size() < sizeof head) return header;
  std::memcpy(head, bytes.data(), sizeof head);
  const uint32_t count = head[1];
  if (head[0] != kInPlaceMark || count < 2 || count > kMostInPlaceSegments) {
    return absl::InvalidArgumentError(absl::StrCat("a frame in shared memory has ", count,
                                                   " segments; 2 to ", kMostInPlaceSegments,
                                                   " are accepted"));
  }
  header.table_bytes = sizeof head + count * sizeof(InPlaceSegment);
  if (bytes.size() < header.table_bytes) return header;
  header.segments.resize(count);
  std::memcpy(header.segments.data(), bytes.data() + sizeof head, count * sizeof(InPlaceSegment));
  header.frame_bytes = header.table_bytes;
  const bool filled = header.segments.back().block == kFills;
  if (filled && (count != 2 || header.segments.back().words != 0)) {
    return absl::InvalidArgumentError("a frame in shared memory is filled up that need not be");
  }
  if (filled) header.segments.back().block = kNoBlock;
  header.total_bytes = ((filled ? 1 : size_t{count}) / 2 + 1) * sizeof(uint64_t);
  for (const InPlaceSegment& segment : header.segments) {
    if (segment.block != kNoBlock && IndexOf(segment.block) >= transport::SharedArena::kBlocks) {
      return absl::InvalidArgumentError(absl::StrCat("a frame in shared memory names block ",
                                                     IndexOf(segment.block),
                                                     ", which does not exist"));
    }
    const size_t segment_bytes = size_t{segment.words} * sizeof(uint64_t);
    header.total_bytes += segment_bytes;
    if (segment.block == kNoBlock) header.frame_bytes += segment_bytes;
  }
  if (header.total_bytes > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a frame announces ", header.total_bytes, " bytes; the limit is ", max_bytes));
  }
  header.complete = true;
  return header;
}

base::Ref<InPlaceSegments> InPlaceSegments::Find(base::Ref<transport::SharedArena> arena,
                                                 const InPlaceHeader& header,
                                                 const std::byte* words) {
  auto found = base::Ref<InPlaceSegments>::Adopt(new InPlaceSegments(std::move(arena)));
  for (const InPlaceSegment& segment : header.segments) {
    const size_t bytes = size_t{segment.words} * sizeof(uint64_t);
    const std::byte* at = words;
    if (segment.block == kNoBlock) {
      words += bytes;
    } else {
      at = IsReaders(segment.block) ? found->arena_->OwnAt(segment.offset, bytes)
                                    : found->arena_->At(segment.offset, bytes);
      if (at == nullptr) return nullptr;
    }
    found->blocks_.push_back(segment.block);
    found->segments_.emplace_back(at, bytes);
  }
  return found;
}

InPlaceSegments::~InPlaceSegments() {
  for (const uint32_t block : blocks_) {
    if (block == kNoBlock) continue;
    if (IsReaders(block)) {
      arena_->ReleaseOwn(IndexOf(block));
    } else {
      arena_->Release(block);
    }
  }
}

std::optional<uint32_t> InPlaceSegments::BlockOf(std::span<const uint8_t> data) const {
  const std::less_equal<const void*> ordered;
  for (size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    if (blocks_[i] == kNoBlock || IsReaders(blocks_[i])) continue;
    if (data.size() >= segment.size() / kLeastShare && ordered(segment.data(), data.data()) &&
        ordered(data.data() + data.size(), segment.data() + segment.size())) {
      return blocks_[i];
    }
  }
  return std::nullopt;
}

}  // namespace drover::wire
