// How a connection goes over from its UNIX socket to shared memory
// (transport/shared_memory_stream.h); docs/decisions/shared-memory.md tells why like this.
//
// After hello, and some traffic, the client calls Node.shareMemory. The server makes the memory and
// answers with it; that Return is the last that it writes to the socket, and the client reads on in
// its ring. The client's Finish of it is the last that it writes to the socket, and the server
// reads on in the other ring. So each direction goes over between two frames, and their order is
// what it was. A server that declines answers with an error, and nothing changes.
//
// Two processes of one fleet, or of its host and it, share memory for large messages besides: they
// trust each other, so that what the one has built there the other reads there.
//
// Thread-safe as the connection is. Never blocks, but for ParkForInput.
#ifndef DROVER_RPC_SHARED_MEMORY_UPGRADE_H_
#define DROVER_RPC_SHARED_MEMORY_UPGRADE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "drover/async/parker.h"
#include "drover/base/ref.h"
#include "drover/rpc/ids.h"
#include "drover/transport/byte_stream.h"
#include "drover/transport/shared_arena.h"
#include "drover/transport/shared_memory_stream.h"
#include "drover/wire/frame_reader.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {

class Connection;
class IncomingCall;
struct Answer;

// A peer that is late is excused while input waits which nobody has come to read. Bells of shared
// memory that somebody has looked at since are no excuse: anybody can ring.
struct Excuse {
  int64_t incident = 0;  // what it is late with
  uint64_t bells = 0;    // that had been looked at then
};

// What a peer can be late with: a message, or the answer to a ping.
enum class Late { kMessage, kPing };

// Made when a connection goes over.
struct SharedRings {
  template <class... Args>
  explicit SharedRings(base::Ref<transport::SharedArena> large, Args&&... args)
      : stream(std::forward<Args>(args)...), arena(std::move(large)) {}
  ~SharedRings() {
    if (arena) arena->StopWatching();
  }

  transport::SharedMemoryStream stream;
  // For large messages, if the peer is trusted; frames and messages that lie there keep it, too.
  const base::Ref<transport::SharedArena> arena;
  Excuse excuses[2];  // by what is late; under the lock of who reads
};

// A connection's part in it, beside what ConnectionState and ReadState hold.
struct SharedMemoryState {
  explicit SharedMemoryState(const transport::ByteStream& stream)
      : possible(stream.CanShareMemory()), met(stream.MetPeer()) {}

  const bool possible;                 // it is over a UNIX socket
  const bool met;                      // the kernel's word on the peer holds
  std::atomic<bool> wanted{false};     // to be asked for
  std::atomic<bool> expected{false};   // a frame that is the last on the socket may come
  std::atomic<bool> has_arena{false};  // the rings have one
  // Made under the connection's lock, before the frame behind which either direction goes over is
  // queued; gone with the stream.
  std::unique_ptr<SharedRings> rings;
};

class SharedMemoryUpgrade {
 public:
  // The server: answers a call of Node.shareMemory.
  static void Answer(IncomingCall& call);
  // Under the connection's lock: whether a Return is that answer, and has been queued as such.
  static bool QueueOffer(Connection& c, AnswerId id, const rpc::Answer& answer,
                         wire::OutMessagePtr& message);

  // The client: hello has been answered, by a Drover or not.
  static void HelloAnswered(Connection& c, bool drover);
  // By the holder of the read token: asks, if it is time.
  static void AskIfDue(Connection& c);
  // It has been answered.
  static void Answered(Connection& c, const absl::Status& status);

  // Looks whether a frame, which has been read and not handled, is the last on the socket. May
  // throw kj::Exception.
  static absl::Status Watch(Connection& c, const wire::Frame& frame);

  // By the holder of the read token.
  static transport::ByteStream& Input(Connection& c);
  static transport::SharedArena* InputArena(Connection& c);  // null: frames do not lie in one
  static int InputFd(Connection& c);  // or under the lock of who reads, while there is a stream
  static bool ParkForInput(Connection& c, async::Parker& parker, absl::Time deadline);
  // Under the lock of who reads: the ring takes no more for now (or it does: not `blocked`).
  static void WaitForRoom(Connection& c, transport::SharedMemoryStream& rings, bool blocked);
  // Under that lock, and while there is a stream: whether there is input which nobody came to read,
  // so that a peer is not to blame for being late with `incident`.
  static bool InputWaits(Connection& c, int64_t incident, Late what);

 private:
  static absl::Status PrepareOffer(Connection& c, AnswerId answer, bool in_place);
  static bool TrustsPeer(const Connection& c);
  static absl::Status OfferWasTaken(Connection& c, AnswerId answer);
  static absl::Status TakeOffer(Connection& c, QuestionId question);
  static absl::Status ReadFromRings(Connection& c);
  static void RefuseSocket(Connection& c, const absl::Status& why);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_SHARED_MEMORY_UPGRADE_H_
