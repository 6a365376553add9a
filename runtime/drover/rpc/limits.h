// What a peer may cost this process. Each limit is of one connection, unless it says otherwise.
//
//   drover::ServerOptions options;
//   options.limits.max_calls_in_flight = 256;
//
// A peer that passes a limit harms itself alone: its own call fails, or its own connection ends
// with an Abort and a line in the log, both of which name the limit. Other connections go on.
//
// Besides these, some limits cannot be changed. A frame has at most 512 segments. Its size
// (max_message_bytes of ServerOptions and ConnectOptions) is checked before memory is taken, and
// memory grows with the bytes that have arrived. Values are nested at most 64 deep
// (wire::kNestingLimit), and reading a message may walk over eight times its own size, or 512 KiB
// where that is more (wire::TraversalLimitWords), so that pointers which share or repeat data
// cannot multiply it. A call whose params pass either fails with InvalidArgument; a message whose
// own fields do ends its connection.
//
// Thread-compatible: plain values.
#ifndef DROVER_RPC_LIMITS_H_
#define DROVER_RPC_LIMITS_H_

#include <cstddef>

#include "absl/time/time.h"

namespace drover {

struct Limits {
  // Calls of the peer that have not been answered. Default 65,536. A call beyond is answered with
  // ResourceExhausted at once, and does not run. 0 refuses every call.
  // Senders of streams (`-> stream`) bound bytes and not calls. Over TCP a stock Cap'n Proto client
  // has as many on their way as its socket may buffer, 4 MiB unless net.ipv4.tcp_wmem says
  // otherwise: 33,000 of the least calls. A limit below ends streams of little to a slow servant.
  size_t max_calls_in_flight = 65'536;

  // Bytes of the messages of those calls, params included, as they were sent. Default 1 GiB. A call
  // beyond is answered with ResourceExhausted at once, and does not run; but one alone is never too
  // large for this limit. A message counts until its call is answered; where somebody answers in
  // place of a servant that goes on (a reference was revoked), until that has let go of the call.
  // Calls that wait count like those that run: for a busy servant, or for an answer.
  size_t max_call_bytes = size_t{1} << 30;

  // Of one-way calls of the peer, how much may be under way, so that a sender of them waits for
  // those that serve them: bytes of their messages, where each counts 512 at least. Default 4 MiB:
  // 8,192 small calls. Granted to the peer, or less: at most half of what the two limits above
  // allow, which count these calls, too. What the peer has beyond it are calls with an answer. 0:
  // all are. A peer that does not keep to it loses its connection. See object/one_way.h.
  // Those that have arrived run on when their connection has ended. They count towards none of its
  // limits then, nor of the next connection of the same peer; but max_connections counts theirs
  // until the last of them has ended.
  size_t max_one_way_bytes = 4 << 20;

  // Objects of ours that the peer holds references to. Default 1,000,000. A call of ours, or an
  // answer, that would pass on one more fails with ResourceExhausted.
  size_t max_exports = 1'000'000;

  // Objects of the peer's that we hold references to. Default 1,000,000. A message with one more
  // ends the connection.
  size_t max_imports = 1'000'000;

  // Bytes of answers that were given and that the peer has not finished: those with capabilities
  // inside are kept whole, for calls on them, and every answer counts kAnswerBytes besides.
  // Default 128 MiB. One more answer ends the connection.
  size_t max_held_answer_bytes = 128 << 20;
  static constexpr size_t kAnswerBytes = 256;

  // Bytes that wait to be written because the peer does not read them. Default 64 MiB. Past it
  // calls of the peer are answered with ResourceExhausted and do not run, and calls of ours fail
  // with ResourceExhausted and are not sent. Answers, and what else the protocol must say, are
  // still queued, until twice the limit is passed: then the connection ends. A single message is
  // never too large for this limit.
  size_t max_queued_bytes = 64 << 20;

  // Descriptors that are accepted with one message, over UNIX sockets. Default 0: none; the kernel
  // closes those that come. At most 253. Further ones are closed, and so are those that belong to
  // no capability of their message. Descriptors of this process are passed on whatever this says.
  size_t max_fds_per_message = 0;
  // Descriptors that objects of the peer's carry and that are open here. Default 256; further ones
  // are closed. A copy that proxy.attached_fd() gave does not count.
  size_t max_fds = 256;

  // Memory that a server shares with its clients on this host, of all connections: each that goes
  // over to it counts as 2 MiB (docs/decisions/shared-memory.md), though the system charges pages
  // that were written to. Default 128 MiB: 64 connections. A client past that stays on its socket,
  // in silence; one of a shm:// endpoint gets FailedPrecondition. 0: none goes over. Of no effect
  // at a client.
  // A connection counts until it has ended. A client that keeps the memory open longer keeps its
  // pages, and those that this process touched first the system still charges to it. Not counted is
  // memory for large messages within a fleet, 16 MiB at most for each connection and direction.
  size_t max_shared_memory = 128 << 20;

  // Connections of a server that are open at a time, or have one-way calls that still run. Default
  // 10,000. A further one is accepted and closed at once, after an Abort that says why: its
  // client's calls fail with Unavailable.
  size_t max_connections = 10'000;

  // How long a message may take to arrive once it has begun, and one second more for every
  // kLeastBytesPerSecond of it that have arrived. Default 30 s. A peer that takes longer loses its
  // connection. InfiniteDuration: no limit.
  absl::Duration frame_timeout = absl::Seconds(30);
  static constexpr size_t kLeastBytesPerSecond = 128 * 1024;

  // How long a client that was accepted may take to send its first message. Default 10 s. One that
  // takes longer loses its connection; after the first message a connection may be silent for
  // ever. InfiniteDuration: no limit.
  absl::Duration handshake_timeout = absl::Seconds(10);
};

}  // namespace drover

#endif  // DROVER_RPC_LIMITS_H_
