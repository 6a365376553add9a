#include "drover/wire/frame_reader.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace drover::wire {
namespace {

constexpr size_t kBlockBytes = 64 * 1024;
constexpr size_t kLeastSpace = 4 * 1024;

}  // namespace

Block::Block(size_t capacity)
    : data_(static_cast<std::byte*>(std::malloc(capacity))), capacity_(capacity) {
  if (data_ == nullptr) throw std::bad_alloc();
}

Block::~Block() { std::free(data_); }

void Block::Grow(size_t capacity) {
  void* grown = std::realloc(data_, capacity);
  if (grown == nullptr) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(grown);
  capacity_ = capacity;
}

Frame CopyOf(const Frame& frame) {
  Frame copy{.header = frame.header,
             .bytes = nullptr,
             .block = base::MakeRef<Block>(frame.header.total_bytes)};
  std::memcpy(copy.block->data(), frame.bytes, frame.header.total_bytes);
  copy.bytes = copy.block->data();
  return copy;
}

std::span<std::byte> FrameReader::Space() {
  if (!block_) {
    block_ = base::MakeRef<Block>(kBlockBytes);
    begin_ = end_ = 0;
  }
  const bool sole = block_->Unshared();
  if (begin_ == end_ && sole) {
    begin_ = end_ = 0;
    if (block_->capacity() > 4 * kBlockBytes) block_ = base::MakeRef<Block>(kBlockBytes);
  }
  // Twice what has arrived, but no more than the frame needs, and some room in any case.
  const size_t pending = end_ - begin_;
  const size_t useful = std::min(std::max(2 * pending, kLeastSpace),
                                 wanted_ > pending ? wanted_ - pending : kLeastSpace);
  if (block_->capacity() - end_ >= useful) {
    return {block_->data() + end_, block_->capacity() - end_};
  }
  if (sole && block_->capacity() >= pending + useful) {
    std::memmove(block_->data(), block_->data() + begin_, pending);
  } else if (sole && begin_ == 0) {
    block_->Grow(pending + useful);
  } else {
    base::Ref<Block> block = base::MakeRef<Block>(std::max(kBlockBytes, pending + useful));
    std::memcpy(block->data(), block_->data() + begin_, pending);
    block_ = std::move(block);
  }
  begin_ = 0;
  end_ = pending;
  return {block_->data() + end_, block_->capacity() - end_};
}

absl::StatusOr<bool> FrameReader::Next(Frame* frame) {
  const size_t pending = end_ - begin_;
  if (pending == 0 || pending < wanted_) return false;
  const std::byte* bytes = block_->data() + begin_;
  if (pending >= 2 * sizeof(uint32_t)) {
    // Nearly always: one segment, and all of it is here.
    uint32_t header[2];
    std::memcpy(header, bytes, sizeof(header));
    const uint64_t total = sizeof(header) + uint64_t{header[1]} * 8;
    if (header[0] == 0 && total <= pending && total <= max_frame_bytes_) {
      Take({.complete = true, .segments = 1, .header_bytes = sizeof(header), .total_bytes = total},
           frame);
      return true;
    }
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

void FrameReader::Take(const FrameHeader& header, Frame* frame) {
  frame->header = header;
  frame->bytes = block_->data() + begin_;
  frame->block = block_;
  begin_ += header.total_bytes;
  wanted_ = 0;
}

}  // namespace drover::wire
