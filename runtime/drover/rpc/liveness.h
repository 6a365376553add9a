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
// Thread-compatible: plain values.
#ifndef DROVER_RPC_LIVENESS_H_
#define DROVER_RPC_LIVENESS_H_

#include "absl/time/time.h"

namespace drover::rpc {

// See ConnectOptions for what each means.
struct Liveness {
  absl::Duration tcp_user_timeout = absl::Seconds(30);
  absl::Duration ping_interval = absl::ZeroDuration();
  absl::Duration ping_timeout = absl::Seconds(10);

  bool pings() const { return ping_interval > absl::ZeroDuration(); }
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_LIVENESS_H_
