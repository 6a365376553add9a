// Cuts a stream of bytes into frames, in place.
//
//   FrameReader reader(limit);
//   size_t n = read(fd, reader.Space().data(), reader.Space().size());
//   reader.Fill(n);
//   Frame frame;
//   while (*reader.Next(&frame)) Handle(frame);
//
// A frame lies in the block of memory that it was read into. It is valid until the reader is given
// more, or is gone; one that is kept (Keep) shares the block, and may outlive the reader. The
// reader never moves or overwrites a block that a frame still holds, and lets go of one that has
// grown with the frame that it grew for; small frames behind that one are copied out of it. Memory
// grows with the bytes that have arrived, never with the size that a frame announces; but what lies
// spare in the process (spare_memory.h) is taken for all of a frame of which 32 KiB have arrived.
//
// Thread-compatible; frames may be dropped on any thread. Errors: those of ParseFrameHeader, after
// which the reader gives nothing more. Never blocks.
#ifndef DROVER_WIRE_FRAME_READER_H_
#define DROVER_WIRE_FRAME_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "drover/base/ref.h"
#include "drover/transport/shared_arena.h"
#include "drover/wire/frame_header.h"
#include "drover/wire/in_place_frame.h"
#include "drover/wire/spare_memory.h"

namespace drover::wire {

class Block : public base::RefCounted {
 public:
  explicit Block(size_t capacity) : Block(SpareMemory::Take(capacity)) {}
  explicit Block(Memory memory) : memory_(memory) {}
  ~Block() override { SpareMemory::Give(memory_); }
  void Grow(size_t capacity) {  // for a sole owner
    memory_ = SpareMemory::Grow(memory_, capacity);
  }

  std::byte* data() const { return memory_.data; }
  size_t capacity() const { return memory_.size; }

 private:
  Memory memory_;
};

struct Frame {
  // To be called by whoever has it for longer than its reader lends it. It holds its block then.
  void Keep() {
    if (!block) block = base::Ref<Block>::Share(lent);
  }

  FrameHeader header;
  const std::byte* bytes = nullptr;  // header.total_bytes of them, aligned to 8; or, if not null:
  base::Ref<InPlaceSegments> in_place;  // where its segments are (then at least two)
  base::Ref<Block> block;               // that they are in, if it holds that
  Block* lent = nullptr;                // the same, if its reader holds it
};

// The same frame in memory of its own, for who keeps it while the block goes on filling.
Frame CopyOf(const Frame& frame);

class FrameReader {
 public:
  explicit FrameReader(size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  // Where to read the next bytes to; never empty.
  std::span<std::byte> Space();
  void Fill(size_t bytes) { end_ += bytes; }

  // Stores the next whole frame and returns true, or false if it has not arrived yet. It may be one
  // of a message that lies in `arena`, if that is not null.
  absl::StatusOr<bool> Next(Frame* frame, transport::SharedArena* arena = nullptr);
  // The same in short: false, too, where Next has to look closer.
  bool TakeOrdinary(Frame* frame);

  // Bytes of a frame that has begun to arrive.
  size_t pending() const { return end_ - begin_; }
  // Lets go of the memory if no byte is pending. The thread keeps a block, for the next reader that
  // it gives bytes to: connections that are idle hold none, and the memory that is used is warm.
  void Rest();

 private:
  void Take(const FrameHeader& header, Frame* frame);
  absl::StatusOr<bool> NextInPlace(transport::SharedArena& arena, Frame* frame);
  // What has arrived goes on in a block that has room for as many bytes.
  void MoveOn(size_t bytes);

  const size_t max_frame_bytes_;
  base::Ref<Block> block_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t wanted_ = 0;  // size of the frame that begins at begin_, where known
};

}  // namespace drover::wire

#endif  // DROVER_WIRE_FRAME_READER_H_
