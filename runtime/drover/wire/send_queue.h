// What waits to be written to a connection, in order. Small frames are copied into one buffer,
// large ones keep their own memory; everything leaves in gathered writes.
//
//   queue.Append(message);
//   SendBatch batch;
//   queue.MoveTo(batch);                     // under the lock that guards the queue
//   ... batch.Gather(iovecs, n); write ...; batch.Advance(n)   // outside it
//
// What Rest gives up goes to the thread, for the next queue that it appends to.
//
// Thread-compatible. Never blocks.
#ifndef DROVER_WIRE_SEND_QUEUE_H_
#define DROVER_WIRE_SEND_QUEUE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "drover/base/ref.h"
#include "drover/base/shared_fd.h"
#include "drover/wire/out_message.h"

namespace drover::wire {

// Frames in order: small ones, then what began with the first large one.
struct FrameList {
  // A run of small frames, or one large frame, or one frame that carries descriptors.
  struct Chunk {
    std::string bytes;  // used if `large` is null
    OutMessagePtr large;
    size_t size = 0;
    std::vector<base::Ref<base::SharedFd>> fds;  // until the first byte has been written
    bool closed = false;                         // takes no further frames
    bool last = false;  // what is behind it goes elsewhere: see SendBatch::switched
  };

  bool empty() const { return head.empty() && rest.empty(); }
  void Clear();

  std::string head;
  std::list<Chunk> rest;
};

// Part of a queue that is being written.
class SendBatch {
 public:
  bool empty() const { return frames_.empty(); }
  // Describes what is left, at most `max_pieces` pieces.
  void Gather(std::vector<iovec>& out, size_t max_pieces);
  // The descriptors that go with the first byte of what Gather described.
  std::vector<int> Fds() const;
  bool HasFds() const {
    return frames_.head.empty() && !frames_.rest.empty() && !frames_.rest.front().fds.empty();
  }
  // The first `bytes` of what Gather described have been written.
  void Advance(size_t bytes);
  void Clear();
  // What is left of a frame, where nothing else is.
  void SetRest(std::span<const std::byte> bytes);
  // Whether the frame that was to be the last in its place has been written, for ever after.
  bool switched() const { return switched_ != 0; }
  // Lets go of the memory if there is nothing to be written.
  void Rest();

 private:
  friend class SendQueue;

  FrameList frames_;
  // Already written, of the head or else of the first chunk. (In one word: there is a batch for
  // each connection.)
  uint64_t offset_ : 63 = 0;
  uint64_t switched_ : 1 = 0;
};

class SendQueue {
 public:
  // Takes the message if it is large.
  void Append(OutMessagePtr& message);
  void AppendCopy(OutMessage& message);
  // As a write of its own, with these descriptors.
  void AppendWithFds(OutMessage& message, std::vector<base::Ref<base::SharedFd>> fds) {
    AppendAlone(message, std::move(fds), /*last=*/false);
  }
  // As a write of its own, perhaps with descriptors, behind which all goes elsewhere: the batch
  // that it is moved to tells when (SendBatch::switched). Once in a queue's life.
  void AppendLast(OutMessage& message, std::vector<base::Ref<base::SharedFd>> fds) {
    AppendAlone(message, std::move(fds), /*last=*/true);
  }
  void AppendLast(std::span<const std::byte> frame);
  // Whole frames.
  void AppendBytes(std::span<const std::byte> frames);
  // What is there is the last: whatever is appended from now on is dropped.
  void Seal() { sealed_ = true; }
  bool sealed() const { return sealed_; }
  bool empty() const { return frames_.empty(); }
  size_t bytes() const { return bytes_; }
  // Appends everything to `batch`.
  void MoveTo(SendBatch& batch);
  void Clear();
  // Lets go of the memory if nothing waits.
  void Rest();

 private:
  // Where small frames go now.
  std::string& Tail();
  void AppendAlone(OutMessage& message, std::vector<base::Ref<base::SharedFd>> fds, bool last);
  void AppendClosed(FrameList::Chunk chunk);

  FrameList frames_;
  size_t bytes_ = 0;
  bool sealed_ = false;
};

}  // namespace drover::wire

#endif  // DROVER_WIRE_SEND_QUEUE_H_
