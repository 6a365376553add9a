#include "drover/wire/out_message.h"

#include <kj/debug.h>

#include <cstring>
#include <utility>

#include "drover/base/whole_data.h"

namespace drover::wire {
namespace {

// Of a list of bytes: https://capnproto.org/encoding.html#lists
constexpr size_t kMostData = size_t{1} << 29;

constexpr size_t kMostCached = 16;
// Each takes a segment.
constexpr size_t kMostReferred = 64;

struct Cache {
  ~Cache() {
    for (OutMessage* message : messages) delete message;
    closed = true;
  }
  std::vector<OutMessage*> messages;
  bool closed = false;
};

Cache& ThreadCache() {
  thread_local Cache cache;
  return cache;
}

}  // namespace

std::unique_ptr<OutMessage, OutMessage::Recycle> OutMessage::New(size_t size_hint_words) {
  Cache& cache = ThreadCache();
  OutMessagePtr message;
  if (cache.closed || cache.messages.empty()) {
    message.reset(new OutMessage);
  } else {
    message.reset(cache.messages.back());
    cache.messages.pop_back();
  }
  if (size_hint_words > kScratchWords) {
    message->builder_.emplace(size_hint_words + 64);
  } else {
    message->builder_.emplace(kj::arrayPtr(message->scratch_, kScratchWords));
  }
  return message;
}

void OutMessage::Recycle::operator()(OutMessage* message) const {
  message->segments_ = nullptr;
  message->builder_.reset();  // leaves the scratch block zeroed
  message->gathered_header_.clear();
  message->owners_.clear();
  Cache& cache = ThreadCache();
  if (cache.closed || cache.messages.size() >= kMostCached) {
    delete message;
  } else {
    cache.messages.push_back(message);
  }
}

capnp::Orphan<capnp::Data> OutMessage::Refer(std::span<const uint8_t> data,
                                             std::shared_ptr<const void> owner) {
  KJ_REQUIRE(data.size() < kMostData, "too much data for a message", data.size());
  const capnp::Orphanage orphanage = builder().getOrphanage();
  const bool words = data.size() % sizeof(capnp::word) == 0 &&
                     reinterpret_cast<uintptr_t>(data.data()) % alignof(uint64_t) == 0;
  if (owner != nullptr && words && data.size() >= base::kLargeData &&
      owners_.size() < kMostReferred) {
    owners_.push_back(std::move(owner));
    return orphanage.referenceExternalData(kj::arrayPtr(data.data(), data.size()));
  }
  const base::WholeData whole(data.size());
  auto copy = orphanage.newOrphan<capnp::Data>(static_cast<unsigned>(data.size()));
  if (!data.empty()) std::memcpy(copy.get().begin(), data.data(), data.size());
  return copy;
}

size_t OutMessage::FrameBytes() {
  const Segments segments = this->segments();
  if (segments.size() >= kMaxSegments) return 0;
  size_t words = segments.size() / 2 + 1;
  for (auto segment : segments) words += segment.size();
  return words * sizeof(capnp::word);
}

size_t OutMessage::BuildHeader(uint32_t* header) {
  const Segments segments = this->segments();
  size_t n = 0;
  header[n++] = static_cast<uint32_t>(segments.size() - 1);
  for (auto segment : segments) header[n++] = static_cast<uint32_t>(segment.size());
  if (n % 2 != 0) header[n++] = 0;
  return n * sizeof(uint32_t);
}

void OutMessage::AppendFrameTo(std::string& out) {
  const Segments segments = this->segments();
  const auto append = [&out](const void* bytes, size_t size) {
    out.append(static_cast<const char*>(bytes), size);
  };
  if (segments.size() == 1) {
    // Nearly always: one segment, and a header of one word.
    const uint32_t header[2] = {0, static_cast<uint32_t>(segments[0].size())};
    append(header, sizeof header);
    append(segments[0].begin(), segments[0].size() * sizeof(capnp::word));
    return;
  }
  uint32_t header[kMaxSegments + 2];
  append(header, BuildHeader(header));
  for (auto segment : segments) append(segment.begin(), segment.size() * sizeof(capnp::word));
}

void OutMessage::GatherFrame(std::vector<iovec>& out) {
  const Segments segments = this->segments();
  gathered_header_.resize(segments.size() + 2);
  const size_t header_bytes = BuildHeader(gathered_header_.data());
  out.push_back({gathered_header_.data(), header_bytes});
  for (auto segment : segments) {
    if (segment.size() == 0) continue;
    out.push_back(
        {const_cast<capnp::word*>(segment.begin()), segment.size() * sizeof(capnp::word)});
  }
}

}  // namespace drover::wire
