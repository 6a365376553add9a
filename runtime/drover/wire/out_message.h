// A message being built, and the frame it becomes.
//
//   OutMessagePtr message = OutMessage::New();
//   auto call = message->builder().initRoot<protocol::Message>().initCall();
//   ...
//   message->AppendFrameTo(buffer);         // small ones are copied
//   message->GatherFrame(&iovecs);          // large ones are written from where they are
//
// Building happens in a block that the thread keeps for the next message, so a small message costs
// no allocation. Thread-compatible; may be dropped on any thread.
#ifndef DROVER_WIRE_OUT_MESSAGE_H_
#define DROVER_WIRE_OUT_MESSAGE_H_

#include <capnp/message.h>
#include <capnp/orphan.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drover/base/ref.h"
#include "drover/transport/shared_arena.h"
#include "drover/wire/frame_header.h"
#include "drover/wire/in_place_frame.h"
#include "drover/wire/segment_memory.h"

namespace drover::wire {

class OutMessage {
 public:
  struct Recycle {
    void operator()(OutMessage* message) const;
  };

  // `size_hint_words` is the size of what will be built, where the caller knows it to be large.
  // `arena`: where large parts are to lie, if it is for a peer that has it, too.
  static std::unique_ptr<OutMessage, Recycle> New(
      size_t size_hint_words = 0, base::Ref<transport::SharedArena> arena = nullptr);
  ~OutMessage() = default;
  OutMessage(const OutMessage&) = delete;
  OutMessage& operator=(const OutMessage&) = delete;

  // What the functions below have said of the frame is void once this is used to change it.
  capnp::MessageBuilder& builder() {
    segments_ = nullptr;
    return *builder_;
  }

  // Data for this message, to be adopted into it. They are not copied but sent from where they lie,
  // if `owner` is not null, which is kept as long as this message (and must be no code of a user's
  // when it goes: that may happen under a lock), and if they are base::kLargeData at least and
  // whole, aligned words.
  capnp::Orphan<capnp::Data> Refer(std::span<const uint8_t> data,
                                   std::shared_ptr<const void> owner);

  // The same of data in a block of the peer's, if this message is for that peer: it goes back by
  // being named, and is copied otherwise.
  capnp::Orphan<capnp::Data> ReferToPeers(std::span<const uint8_t> data,
                                          base::Ref<InPlaceSegments> message, uint32_t block);

  // Of the frame, header included. More than kMaxSegments - 1 segments cannot be sent: 0.
  size_t FrameBytes();
  // The peer has `arena`: what lies there is not part of the frame below, which tells where it is
  // (in_place_frame.h). False if nothing does.
  bool SendInPlace(const transport::SharedArena& arena);
  // Of what the two below give.
  size_t SentBytes();
  void AppendFrameTo(std::string& out);
  // Adds the frame's pieces; they stay valid while this message is not changed or destroyed.
  void GatherFrame(std::vector<iovec>& out);

 private:
  static constexpr size_t kScratchWords = 512;

  using Segments = kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>;

  OutMessage() = default;
  Segments segments() {
    if (segments_ == nullptr) segments_ = builder_->getSegmentsForOutput();
    return segments_;
  }
  size_t BuildHeader(uint32_t* header);
  void BuildInPlaceTable();
  bool CanRefer(std::span<const uint8_t> data) const;
  // Where a segment lies: a block of ours, or one of the peer's; or neither.
  InPlaceSegment PlaceOf(kj::ArrayPtr<const capnp::word> segment) const;
  // Calls take(pointer, bytes) for each piece of the frame.
  template <class F>
  void ForEachPiece(F&& take);

  std::optional<SegmentMemory> builder_;
  Segments segments_ = nullptr;  // as built, if nothing has changed since they were asked for
  std::vector<uint32_t> gathered_header_;
  bool in_place_ = false;
  bool handed_over_ = false;  // the peer has been given what it is to read in place
  std::vector<std::shared_ptr<const void>> owners_;  // of what Refer refers to
  struct Lent {
    const void* begin;
    uint32_t block;
  };
  std::vector<Lent> lent_;  // what lies in blocks of the peer's
  alignas(8) capnp::word scratch_[kScratchWords] = {};
};

using OutMessagePtr = std::unique_ptr<OutMessage, OutMessage::Recycle>;

}  // namespace drover::wire

#endif  // DROVER_WIRE_OUT_MESSAGE_H_
