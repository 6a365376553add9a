// How a connection notices that its peer is there no more.
//
// A peer that ends closes its socket, and the connection ends at once; none of this is needed for
// that. What closes nothing is a host that lost power or network (tcp_user_timeout notices it as
// soon as something is sent there) and a process that is stopped or stuck (only pings do, unless
// that is in the middle of a message). A ping asks nothing of the application, so a server that is
// busy, however long, answers it.
//
// Pings are off by default: a debugger, a suspended laptop or an overloaded host must not fail
// calls that would have been answered.
//
// Thread-compatible.
#ifndef DROVER_RPC_LIVENESS_H_
#define DROVER_RPC_LIVENESS_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace drover::rpc {

// See ConnectOptions for what each means.
struct Liveness {
  absl::Duration tcp_user_timeout = absl::Seconds(30);
  absl::Duration ping_interval = absl::ZeroDuration();
  absl::Duration ping_timeout = absl::Seconds(10);

  bool pings() const { return ping_interval > absl::ZeroDuration(); }
};

// How far a connection's pings have come.
struct Pings {
  std::atomic<int64_t> last_input{0};
  // Used by OnTimer alone, which the reactor calls on one thread at a time.
  int64_t pinged_at = 0;
  uint64_t position = 0;  // of its last byte, in the stream of what is written
  uint64_t written_then = 0;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_LIVENESS_H_
