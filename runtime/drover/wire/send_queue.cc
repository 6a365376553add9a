#include "drover/wire/send_queue.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "drover/base/thread_spare.h"

namespace drover::wire {
namespace {

constexpr size_t kLargeFrame = 16 * 1024;
// A buffer that grew beyond this is given back once it is empty.
constexpr size_t kMostKept = 64 * 1024;

bool HasMemory(const std::string& buffer) { return buffer.capacity() > std::string().capacity(); }

// What a queue and its batch, of this thread, have let go of.
using Buffers = std::array<std::string, 2>;
Buffers* Spare() { return base::ThreadSpare<Buffers, SendQueue>(); }

void Rest(std::string& buffer) {
  if (!buffer.empty() || !HasMemory(buffer)) return;
  if (Buffers* spare = Spare(); spare != nullptr) {
    std::string& smaller = *std::ranges::min_element(*spare, {}, &std::string::capacity);
    if (buffer.capacity() > smaller.capacity()) smaller.swap(buffer);
  }
  std::string().swap(buffer);
}

void Empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kMostKept) buffer.shrink_to_fit();
}

}  // namespace

void FrameList::Clear() {
  Empty(head);
  rest.clear();
}

void SendBatch::Gather(std::vector<iovec>& out, size_t max_pieces) {
  out.clear();
  if (frames_.rest.empty()) {  // nearly always
    out.push_back({frames_.head.data() + offset_, frames_.head.size() - offset_});
    return;
  }
  if (!frames_.head.empty()) out.push_back({frames_.head.data(), frames_.head.size()});
  for (FrameList::Chunk& chunk : frames_.rest) {
    // A frame with descriptors is the first of a write, and the only one.
    if (out.size() >= max_pieces || (chunk.closed && !out.empty())) break;
    if (chunk.large) {
      chunk.large->GatherFrame(out);
    } else if (!chunk.bytes.empty()) {
      out.push_back({chunk.bytes.data(), chunk.bytes.size()});
    }
    if (chunk.closed) break;
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

std::vector<int> SendBatch::Fds() const {
  std::vector<int> fds;
  for (const auto& fd : frames_.rest.front().fds) fds.push_back(fd->get());
  return fds;
}

void SendBatch::Advance(size_t bytes) {
  offset_ += bytes;
  if (HasFds()) frames_.rest.front().fds.clear();
  if (!frames_.head.empty()) {
    if (offset_ < frames_.head.size()) return;
    offset_ -= frames_.head.size();
    Empty(frames_.head);
  }
  while (!frames_.rest.empty() && offset_ >= frames_.rest.front().size) {
    offset_ -= frames_.rest.front().size;
    if (frames_.rest.front().last) switched_ = 1;
    frames_.rest.pop_front();
  }
}

void SendBatch::SetRest(std::span<const std::byte> bytes) {
  frames_.head.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void SendBatch::Rest() { wire::Rest(frames_.head); }

void SendBatch::Clear() {
  frames_.Clear();
  offset_ = 0;
}

void SendQueue::Append(OutMessagePtr& message) {
  if (sealed_) return;
  const size_t size = message->SentBytes();
  if (size < kLargeFrame) {
    AppendCopy(*message);
    return;
  }
  bytes_ += size;
  FrameList::Chunk chunk;
  chunk.large = std::move(message);
  chunk.size = size;
  frames_.rest.push_back(std::move(chunk));
}

std::string& SendQueue::Tail() {
  if (frames_.rest.empty()) {
    if (!HasMemory(frames_.head)) {
      Buffers* spare = Spare();
      if (spare != nullptr) {
        frames_.head.swap(*std::ranges::max_element(*spare, {}, &std::string::capacity));
      }
    }
    return frames_.head;
  }
  if (frames_.rest.back().large || frames_.rest.back().closed) frames_.rest.emplace_back();
  return frames_.rest.back().bytes;
}

void SendQueue::AppendCopy(OutMessage& message) {
  if (sealed_) return;
  std::string& tail = Tail();
  const size_t before = tail.size();
  message.AppendFrameTo(tail);
  bytes_ += tail.size() - before;
  if (!frames_.rest.empty()) frames_.rest.back().size = tail.size();
}

void SendQueue::AppendAlone(OutMessage& message, std::vector<base::Ref<base::SharedFd>> fds,
                            bool last) {
  if (sealed_) return;
  FrameList::Chunk chunk;
  message.AppendFrameTo(chunk.bytes);
  chunk.fds = std::move(fds);
  chunk.last = last;
  AppendClosed(std::move(chunk));
}

void SendQueue::AppendLast(std::span<const std::byte> frame) {
  FrameList::Chunk chunk;
  chunk.bytes.assign(reinterpret_cast<const char*>(frame.data()), frame.size());
  chunk.last = true;
  AppendClosed(std::move(chunk));
}

void SendQueue::AppendClosed(FrameList::Chunk chunk) {
  if (sealed_) return;
  chunk.size = chunk.bytes.size();
  chunk.closed = true;
  bytes_ += chunk.size;
  frames_.rest.push_back(std::move(chunk));
}

void SendQueue::AppendBytes(std::span<const std::byte> frames) {
  if (sealed_) return;
  std::string& tail = Tail();
  tail.append(reinterpret_cast<const char*>(frames.data()), frames.size());
  bytes_ += frames.size();
  if (!frames_.rest.empty()) frames_.rest.back().size = tail.size();
}

void SendQueue::MoveTo(SendBatch& batch) {
  if (batch.empty()) {
    std::swap(batch.frames_.head, frames_.head);
  } else if (!frames_.head.empty()) {
    FrameList::Chunk chunk;
    chunk.size = frames_.head.size();
    chunk.bytes = std::move(frames_.head);
    frames_.head.clear();
    batch.frames_.rest.push_back(std::move(chunk));
  }
  batch.frames_.rest.splice(batch.frames_.rest.end(), frames_.rest);
  bytes_ = 0;
}

void SendQueue::Rest() { wire::Rest(frames_.head); }

void SendQueue::Clear() {
  frames_.Clear();
  bytes_ = 0;
}

}  // namespace drover::wire
