// One-way calls of a connection, whose peer is Drover: they have no answer, so nothing is kept of
// them where they were made, and nothing is sent back but, now and then, a credit.
//
// Each side grants the other a window in hello: how many bytes of one-way calls it takes before the
// first of them have ended. A call counts the bytes of its frame, and 512 at least. A call fits if
// with it no more are under way than the window, or if less than a quarter of the window is under
// way: so one that is larger than the window can be sent too. The receiver tells of calls that have
// ended once they make up a quarter of the window. What does not fit, and what a one-way call
// cannot do (capabilities in its params, a target inside an answer), leaves as a call that is
// answered.
//
// The receiver ends a connection whose peer does not keep to that. The end of a connection does not
// cancel the one-way calls that came over it: a program may send and exit.
#ifndef DROVER_RPC_ONE_WAY_H_
#define DROVER_RPC_ONE_WAY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "drover/base/ref.h"
#include "drover/rpc.capnp.h"
#include "drover/rpc/limits.h"
#include "drover/rpc/return_handler.h"

namespace drover::rpc {

class Connection;
class Deferred;
class IncomingCall;
class OutgoingCall;
class RemoteCapability;

// What a connection's lock guards of it.
struct OneWayState {
  // Calls of ours.
  uint64_t granted = 0;    // by the peer; 0: it takes none
  uint64_t under_way = 0;  // of that
  uint64_t end = 0;        // where in the stream of what is written the last one ends
  // Calls of the peer.
  uint64_t held = 0;              // what it may not send more of yet
  uint64_t ended = 0;             // of that: it has not been told
  uint64_t failed = 0;            // calls that ended with an error
  size_t running = 0;             // calls
  IncomingCall* calls = nullptr;  // those, a list
};

class OneWay {
 public:
  // What a call with a frame of this size counts.
  static uint64_t Weight(size_t frame_bytes) {
    return std::max<uint64_t>(frame_bytes, protocol::ONE_WAY_CALL_BYTES);
  }
  // What this end grants: not more than it may have in flight besides other calls.
  static uint64_t Window(const Connection& connection);

  // False, with nothing done, if the call has to be one that is answered.
  [[nodiscard]] static bool Send(Connection& connection, RemoteCapability& target,
                                 OutgoingCall& call, ReturnHandler& handler);
  // A call of the peer's; `refusal`, if not OK, keeps it from running. An error ends the
  // connection.
  static absl::Status Receive(Connection& connection, const base::Ref<IncomingCall>& call,
                              absl::Status refusal, Deferred& deferred);
  // It has ended: in place of its answer. No lock may be held.
  static void End(Connection& connection, IncomingCall& call, const absl::Status& status);
  // A OneWayCredit. An error ends the connection.
  static absl::Status ReceiveCredit(Connection& connection, protocol::OneWayCredit::Reader credit);
  // Cancels those of the peer: nobody waits for them any more.
  static void CancelAll(Connection& connection);

 private:
  static absl::Status Check(const IncomingCall& call);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_ONE_WAY_H_
