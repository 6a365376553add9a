#include "drover/wire/send_queue.h"

#include <utility>

namespace drover::wire {
namespace {

constexpr size_t kLargeFrame = 16 * 1024;
constexpr size_t kMostSpare = 64 * 1024;

}  // namespace

void SendBatch::Gather(std::vector<iovec>& out, size_t max_pieces) {
  out.clear();
  for (Chunk& chunk : chunks_) {
    if (chunk.large) {
      chunk.large->GatherFrame(out);
    } else {
      out.push_back({chunk.bytes.data(), chunk.bytes.size()});
    }
    if (out.size() >= max_pieces) break;
  }
  size_t skip = offset_;
  size_t first = 0;
  while (first < out.size() && skip >= out[first].iov_len) skip -= out[first++].iov_len;
  if (first > 0) out.erase(out.begin(), out.begin() + first);
  if (skip > 0) {
    out.front().iov_base = static_cast<std::byte*>(out.front().iov_base) + skip;
    out.front().iov_len -= skip;
  }
  if (out.size() > max_pieces) out.resize(max_pieces);
}

void SendBatch::Advance(size_t bytes) {
  offset_ += bytes;
  while (!chunks_.empty() && offset_ >= chunks_.front().size) {
    offset_ -= chunks_.front().size;
    if (!chunks_.front().large && chunks_.front().bytes.capacity() <= kMostSpare) {
      spare_ = std::move(chunks_.front().bytes);
      spare_.clear();
    }
    chunks_.pop_front();
  }
}

void SendBatch::Clear() {
  chunks_.clear();
  offset_ = 0;
}

void SendQueue::Append(OutMessagePtr& message) {
  const size_t size = message->FrameBytes();
  if (size < kLargeFrame) {
    AppendCopy(*message);
    return;
  }
  bytes_ += size;
  SendBatch::Chunk chunk;
  chunk.large = std::move(message);
  chunk.size = size;
  chunks_.push_back(std::move(chunk));
}

SendBatch::Chunk& SendQueue::OpenChunk() {
  if (chunks_.empty() || chunks_.back().large) {
    chunks_.emplace_back();
    chunks_.back().bytes = std::move(spare_);
    chunks_.back().bytes.clear();
  }
  return chunks_.back();
}

void SendQueue::AppendCopy(OutMessage& message) {
  SendBatch::Chunk& chunk = OpenChunk();
  const size_t before = chunk.bytes.size();
  message.AppendFrameTo(chunk.bytes);
  chunk.size = chunk.bytes.size();
  bytes_ += chunk.size - before;
}

void SendQueue::AppendBytes(std::span<const std::byte> frames) {
  SendBatch::Chunk& chunk = OpenChunk();
  chunk.bytes.insert(chunk.bytes.end(), frames.begin(), frames.end());
  chunk.size = chunk.bytes.size();
  bytes_ += frames.size();
}

void SendQueue::MoveTo(SendBatch& batch) {
  for (SendBatch::Chunk& chunk : chunks_) batch.chunks_.push_back(std::move(chunk));
  chunks_.clear();
  bytes_ = 0;
  if (spare_.capacity() == 0) spare_ = std::move(batch.spare_);
}

void SendQueue::Clear() {
  chunks_.clear();
  bytes_ = 0;
}

}  // namespace drover::wire
