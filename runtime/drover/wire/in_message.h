// A received message: a frame and Cap'n Proto's reader over it, in place.
//
//   InMessage message(frame);
//   protocol::Message::Reader root = message.root();     // may throw kj::Exception
//
// Thread-compatible. Reading throws kj::Exception on malformed content; callers catch it at the
// boundary of the layer.
#ifndef DROVER_WIRE_IN_MESSAGE_H_
#define DROVER_WIRE_IN_MESSAGE_H_

#include <capnp/any.h>
#include <capnp/message.h>

#include <optional>
#include <vector>

#include "drover/rpc.capnp.h"
#include "drover/wire/frame_reader.h"

namespace drover::wire {

// The kind of a protocol::Message without reading all of it: the union's tag where the frame's
// layout is the usual one, otherwise -1.
int PeekKind(const Frame& frame);

// How deep the values of a message may be nested, the message itself included.
inline constexpr int kNestingLimit = 64;
// How many words may be walked over in reading a frame of so many bytes, again and again included:
// eight times its size, or 512 KiB where that is more.
constexpr uint64_t TraversalLimitWords(size_t frame_bytes) {
  // Values are read once, the protocol's own fields a few times; this leaves room for both and
  // still stops a message whose pointers multiply it.
  return frame_bytes > 64 * 1024 ? frame_bytes : 64 * 1024;  // words for bytes: the factor 8
}

class InMessage {
 public:
  explicit InMessage(Frame frame);
  InMessage(const InMessage&) = delete;
  InMessage& operator=(const InMessage&) = delete;

  // For a message that was found sound: it may be read again and again from now on. Readers that
  // were made before must not be used any more.
  void LiftTraversalLimit();

  const Frame& frame() const { return frame_; }
  protocol::Message::Reader root() { return reader_->getRoot<protocol::Message>(); }
  capnp::AnyPointer::Reader any_root() { return reader_->getRoot<capnp::AnyPointer>(); }

 private:
  void MakeReader(uint64_t limit_words);

  Frame frame_;
  kj::ArrayPtr<const capnp::word> one_segment_;
  std::vector<kj::ArrayPtr<const capnp::word>> more_segments_;  // used when there is not just one
  std::optional<capnp::SegmentArrayMessageReader> reader_;
};

}  // namespace drover::wire

#endif  // DROVER_WIRE_IN_MESSAGE_H_
