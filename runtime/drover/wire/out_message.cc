#include "drover/wire/out_message.h"

#include <kj/debug.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "drover/base/whole_data.h"
#include "drover/wire/in_place_frame.h"

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

std::unique_ptr<OutMessage, OutMessage::Recycle> OutMessage::New(
    size_t size_hint_words, base::Ref<transport::SharedArena> arena) {
  Cache& cache = ThreadCache();
  OutMessagePtr message;
  if (cache.closed || cache.messages.empty()) {
    message.reset(new OutMessage);
  } else {
    message.reset(cache.messages.back());
    cache.messages.pop_back();
  }
  if (size_hint_words > kScratchWords) {
    message->builder_.emplace(size_hint_words + 64, std::move(arena));
  } else {
    message->builder_.emplace(kj::arrayPtr(message->scratch_, kScratchWords), std::move(arena));
  }
  return message;
}

void OutMessage::Recycle::operator()(OutMessage* message) const {
  message->segments_ = nullptr;
  message->builder_.reset();  // leaves the scratch block zeroed
  message->gathered_header_.clear();
  message->owners_.clear();
  message->lent_.clear();
  message->in_place_ = message->handed_over_ = false;
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
  // To where the peer reads it, it is copied once; from where it lies, twice.
  const bool reserved = data.size() >= base::kLargeData && builder_->Reserve(data.size());
  if (owner != nullptr && !reserved && CanRefer(data)) {
    owners_.push_back(std::move(owner));
    return orphanage.referenceExternalData(kj::arrayPtr(data.data(), data.size()));
  }
  const base::WholeData whole(data.size());
  auto copy = orphanage.newOrphan<capnp::Data>(static_cast<unsigned>(data.size()));
  builder_->DropReserved();  // where there was room elsewhere
  if (!data.empty()) std::memcpy(copy.get().begin(), data.data(), data.size());
  return copy;
}

bool OutMessage::CanRefer(std::span<const uint8_t> data) const {
  return data.size() >= base::kLargeData && data.size() % sizeof(capnp::word) == 0 &&
         reinterpret_cast<uintptr_t>(data.data()) % alignof(uint64_t) == 0 &&
         owners_.size() < kMostReferred;
}

capnp::Orphan<capnp::Data> OutMessage::ReferToPeers(std::span<const uint8_t> data,
                                                    base::Ref<InPlaceSegments> message,
                                                    uint32_t block) {
  if (builder_->arena() != &message->arena() || !CanRefer(data)) return Refer(data, nullptr);
  lent_.push_back({.begin = data.data(), .block = block});
  owners_.push_back(std::make_shared<base::Ref<InPlaceSegments>>(std::move(message)));
  return builder().getOrphanage().referenceExternalData(kj::arrayPtr(data.data(), data.size()));
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

bool OutMessage::SendInPlace(const transport::SharedArena& arena) {
  in_place_ = (builder_->in_arena() || !lent_.empty()) && builder_->arena() == &arena &&
              segments().size() < kMostInPlaceSegments;
  if (in_place_) BuildInPlaceTable();
  return in_place_;
}

InPlaceSegment OutMessage::PlaceOf(kj::ArrayPtr<const capnp::word> segment) const {
  InPlaceSegment place{.words = static_cast<uint32_t>(segment.size())};
  const auto lent = std::ranges::find(lent_, segment.begin(), &Lent::begin);
  if (const auto* const block = builder_->BlockOf(segment.begin()); block != nullptr) {
    place.block = block->index;
    place.offset = block->offset;
  } else if (lent != lent_.end()) {
    place.block = kReaders | lent->block;
    place.offset = builder_->arena()->OffsetOf(lent->begin);
  }
  return place;
}

void OutMessage::BuildInPlaceTable() {
  std::vector<InPlaceSegment> table;
  for (auto segment : segments()) table.push_back(PlaceOf(segment));
  if (table.size() == 1) table.push_back({.words = 0, .block = kFills, .offset = 0});
  gathered_header_ = {kInPlaceMark, static_cast<uint32_t>(table.size())};
  gathered_header_.resize(2 + table.size() * sizeof(InPlaceSegment) / sizeof(uint32_t));
  std::memcpy(gathered_header_.data() + 2, table.data(), table.size() * sizeof(InPlaceSegment));
}

template <class F>
void OutMessage::ForEachPiece(F&& take) {
  const Segments segments = this->segments();
  if (!in_place_) {
    gathered_header_.resize(segments.size() + 2);
    take(gathered_header_.data(), BuildHeader(gathered_header_.data()));
  } else {
    take(gathered_header_.data(), gathered_header_.size() * sizeof(uint32_t));
  }
  const bool hands_over = in_place_ && !std::exchange(handed_over_, true);
  for (auto segment : segments) {
    const uint32_t block = in_place_ ? PlaceOf(segment).block : kNoBlock;
    if (block == kNoBlock) {
      if (segment.size() > 0) take(segment.begin(), segment.size() * sizeof(capnp::word));
    } else if (hands_over && (block & kReaders) != 0) {
      builder_->arena()->Lend(block & ~kReaders);
    } else if (hands_over) {
      builder_->arena()->HandOver(block);
    }
  }
}

size_t OutMessage::SentBytes() {
  if (!in_place_) return FrameBytes();
  size_t bytes = gathered_header_.size() * sizeof(uint32_t);
  for (auto segment : segments()) {
    if (PlaceOf(segment).block == kNoBlock) bytes += segment.size() * sizeof(capnp::word);
  }
  return bytes;
}

void OutMessage::AppendFrameTo(std::string& out) {
  const Segments segments = this->segments();
  const auto append = [&out](const void* bytes, size_t size) {
    out.append(static_cast<const char*>(bytes), size);
  };
  if (segments.size() == 1 && !in_place_) {
    // Nearly always: one segment, and a header of one word.
    const uint32_t header[2] = {0, static_cast<uint32_t>(segments[0].size())};
    append(header, sizeof header);
    append(segments[0].begin(), segments[0].size() * sizeof(capnp::word));
    return;
  }
  ForEachPiece(append);
}

void OutMessage::GatherFrame(std::vector<iovec>& out) {
  ForEachPiece([&out](const void* bytes, size_t size) {
    out.push_back({const_cast<void*>(bytes), size});
  });
}

}  // namespace drover::wire
