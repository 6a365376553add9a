#include "drover/wire/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "drover/base/status_macros.h"
#include "drover/base/thread_spare.h"

namespace drover::wire {
namespace {

// A frame keeps a block that has grown if it is this part of it at least, and is copied out
// otherwise.
constexpr size_t kLeastShare = 4;

// 64 KiB of data, and what a message has beside them.
constexpr size_t kBlockBytes = 72 * 1024;
constexpr size_t kLeastSpace = 4 * 1024;

// What a reader of this thread has let go of.
base::Ref<Block>* Spare() { return base::ThreadSpare<base::Ref<Block>, FrameReader>(); }

}  // namespace

Frame CopyOf(const Frame& frame) {
  if (frame.in_place) return frame;
  Frame copy;
  copy.header = frame.header;
  copy.block = base::MakeRef<Block>(frame.header.total_bytes);
  std::memcpy(copy.block->data(), frame.bytes, frame.header.total_bytes);
  copy.bytes = copy.block->data();
  return copy;
}

void FrameReader::Rest() {
  if (begin_ != end_ || !block_) return;
  base::Ref<Block>* spare = Spare();
  if (spare != nullptr && !*spare && block_->Unshared() && block_->capacity() == kBlockBytes) {
    *spare = std::move(block_);
  }
  block_ = nullptr;
  begin_ = end_ = 0;
}

std::span<std::byte> FrameReader::Space() {
  if (!block_) {
    base::Ref<Block>* spare = Spare();
    block_ = spare != nullptr && *spare ? std::move(*spare) : base::MakeRef<Block>(kBlockBytes);
    begin_ = end_ = 0;
  }
  const bool sole = block_->Unshared();
  if (begin_ == end_ && sole) begin_ = end_ = 0;
  // Twice what has arrived, but no more than the frame needs, and some room in any case.
  const size_t pending = end_ - begin_;
  const size_t useful = std::min(std::max(2 * pending, kLeastSpace),
                                 wanted_ > pending ? wanted_ - pending : kLeastSpace);
  if (block_->capacity() - end_ < useful) {
    if (sole && block_->capacity() >= pending + useful) {
      std::memmove(block_->data(), block_->data() + begin_, pending);
      begin_ = 0;
    } else {
      MoveOn(pending + useful);
    }
    end_ = pending;
  }
  return {block_->data() + end_, block_->capacity() - end_};
}

void FrameReader::MoveOn(size_t bytes) {
  const size_t pending = end_ - begin_;
  Memory memory;
  if (pending >= SpareMemory::kLargePart && wanted_ > bytes)
    memory = SpareMemory::TakeSpare(wanted_);
  if (memory.data == nullptr && begin_ == 0 && block_->Unshared()) return block_->Grow(bytes);
  if (memory.data == nullptr) memory = SpareMemory::Take(std::max(kBlockBytes, bytes));
  std::memcpy(memory.data, block_->data() + begin_, pending);
  block_ = base::MakeRef<Block>(memory);
  begin_ = 0;
}

// One segment, and all of it is here.
bool FrameReader::TakeOrdinary(Frame* frame) {
  const size_t pending = end_ - begin_;
  uint32_t header[2];
  if (pending < sizeof(header)) return false;
  std::memcpy(header, block_->data() + begin_, sizeof(header));
  const uint64_t total = sizeof(header) + uint64_t{header[1]} * 8;
  if (header[0] != 0 || total > pending || total > max_frame_bytes_) return false;
  Take({.complete = true, .segments = 1, .header_bytes = sizeof(header), .total_bytes = total},
       frame);
  return true;
}

absl::StatusOr<bool> FrameReader::Next(Frame* frame, transport::SharedArena* arena) {
  const size_t pending = end_ - begin_;
  if (pending == 0 || pending < wanted_) return false;
  if (TakeOrdinary(frame)) return true;
  const std::byte* bytes = block_->data() + begin_;
  if (uint32_t mark; arena != nullptr && pending >= sizeof mark) {
    std::memcpy(&mark, bytes, sizeof mark);
    if (mark == kInPlaceMark) return NextInPlace(*arena, frame);
  }
  absl::StatusOr<FrameHeader> header = ParseFrameHeader({bytes, pending}, max_frame_bytes_);
  if (!header.ok()) return header.status();
  if (!header->complete) return false;
  if (pending < header->total_bytes) {
    wanted_ = header->total_bytes;
    return false;
  }
  Take(*header, frame);
  return true;
}

absl::StatusOr<bool> FrameReader::NextInPlace(transport::SharedArena& arena, Frame* frame) {
  const std::span<const std::byte> bytes(block_->data() + begin_, end_ - begin_);
  DROVER_ASSIGN_OR_RETURN(const InPlaceHeader header, ParseInPlaceHeader(bytes, max_frame_bytes_));
  if (!header.complete) return false;
  if (bytes.size() < header.frame_bytes) {
    wanted_ = header.frame_bytes;
    return false;
  }
  // What is not in the arena gets memory of its own, as small as it is.
  const size_t words_bytes = header.frame_bytes - header.table_bytes;
  auto words = base::MakeRef<Block>(std::max(words_bytes, sizeof(uint64_t)));
  std::memcpy(words->data(), bytes.data() + header.table_bytes, words_bytes);
  begin_ += header.frame_bytes;
  wanted_ = 0;
  frame->header = {.complete = true,
                   .segments = static_cast<uint32_t>(header.segments.size()),
                   .header_bytes = 0,
                   .total_bytes = header.total_bytes};
  frame->bytes = nullptr;
  frame->in_place = InPlaceSegments::Find(base::Ref<transport::SharedArena>::Share(&arena), header,
                                          words->data());
  frame->lent = words.get();
  frame->block = std::move(words);
  if (!frame->in_place) {
    return absl::InvalidArgumentError("a frame in shared memory does not lie in it");
  }
  return true;
}

void FrameReader::Take(const FrameHeader& header, Frame* frame) {
  if (frame->in_place) frame->in_place = nullptr;
  frame->header = header;
  frame->bytes = block_->data() + begin_;
  begin_ += header.total_bytes;
  wanted_ = 0;
  frame->lent = block_.get();
  if (frame->block) frame->block = nullptr;  // an earlier one's
  const size_t capacity = block_->capacity();
  if (capacity <= kBlockBytes) return;
  if (begin_ == end_) {
    frame->block = std::move(block_);
    begin_ = end_ = 0;
  }
  // One that came behind a large frame, into the room that was left there, must not hold it all.
  if (header.total_bytes < capacity / kLeastShare) *frame = CopyOf(*frame);
}

}  // namespace drover::wire
