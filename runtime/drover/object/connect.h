// From an endpoint to a proxy.
//
//   auto worker = drover::Connect<race::WorkerProxy>("unix:///run/w.sock");
//   absl::StatusOr<uint32_t> seconds = worker.Calculate();
//
// Connect returns at once: the first call dials. The proxy is durable: a call after the connection
// was lost dials again. A call in flight when the connection is lost fails with Unavailable, which
// names the endpoint, and is never sent again: it ran once or not at all. Only calls of methods
// marked $Drover.idempotent are sent again. docs/reliability.md says what that means for a program.
//
// Thread-safe. The connection is shared by all copies of the proxy and ends when they, and every
// object reached through them, are gone.
// Errors: of the calls. InvalidArgument if the endpoint's text cannot be parsed; otherwise those of
// dialling: Unavailable if nobody listens, PermissionDenied and so on; FailedPrecondition at a
// shm:// endpoint where no memory is shared, for which wait_for_ready does not wait.
// Blocking: Connect never; a first call may block while it dials, unless wait_for_ready is set.
#ifndef DROVER_OBJECT_CONNECT_H_
#define DROVER_OBJECT_CONNECT_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "drover/async/runtime.h"
#include "drover/object/interceptor.h"
#include "drover/object/proxy.h"
#include "drover/rpc/backoff.h"
#include "drover/rpc/limits.h"
#include "drover/transport/endpoint.h"

namespace drover {

struct ConnectOptions {
  // Whose threads serve the connection. Default: Runtime::Default(), as for null.
  Runtime* runtime = nullptr;
  // Most that a dial may wait, where it has to. Default 10 s; at least 1 ms.
  absl::Duration dial_timeout = absl::Seconds(10);
  // Calls wait for a server that is not up yet, dialling again and again, in place of failing.
  // Default: a call for which no connection can be made fails at once with Unavailable, and the
  // next one dials at once. What cannot mend itself (PermissionDenied, InvalidArgument and so on)
  // fails calls in either case. Waiting never blocks async calls, and ends when the call is
  // cancelled.
  bool wait_for_ready = false;
  // The most that such a call waits; then it fails with Unavailable. Default: no limit.
  absl::Duration ready_timeout = absl::InfiniteDuration();
  // The pauses between the dials of wait_for_ready.
  Backoff backoff = {};
  // How many calls of idempotent methods are sent again after connections were lost. Each loss
  // takes one of retry_tokens, each answer gives retry_token_ratio of one back, and calls are sent
  // again only while more than half are there, and each at most 4 times: as gRPC does (gRFC A6).
  // Default 10 and 0.1. 0 tokens: never.
  double retry_tokens = 10;
  double retry_token_ratio = 0.1;
  // Run before each call that the program makes through the proxy, or through an object that came
  // over its connection. Default: none. See interceptor.h.
  std::vector<ClientInterceptor> interceptors = {};
  // Largest message sent or accepted, in bytes. Default 64 MiB. A larger one that arrives ends the
  // connection; sending one fails that call with ResourceExhausted.
  size_t max_message_bytes = 64 << 20;
  // What the server may cost this process.
  Limits limits = {};
  // How a peer that is there no more is noticed. `tcp_user_timeout`: how long TCP waits for data to
  // be acknowledged before the connection is lost. Default 30 s; 0 is the kernel's own limit, about
  // 15 minutes. It notices nothing while nothing is sent, and not a process that is stopped, until
  // more is sent than that process's kernel takes.
  absl::Duration tcp_user_timeout = absl::Seconds(30);
  // After so long without a byte from the peer it is sent a ping, over any transport. Default 0:
  // never. See drover/rpc/liveness.h.
  absl::Duration ping_interval = absl::ZeroDuration();
  // A peer from which no byte comes for so long after a ping is given up: calls fail with
  // Unavailable, "no answer to a ping for ...". Default 10 s; at least 1 ms.
  absl::Duration ping_timeout = absl::Seconds(10);
  // Goes over to shared memory, by itself, where the server is a Drover on this host that is met at
  // a UNIX socket and offers it (ServerOptions::shared_memory): once 4 KiB have come from it, so
  // not for a few small calls. Default true. False, or DROVER_SHM=0 in the environment: stays on
  // the socket. A shm:// endpoint insists on shared memory, whatever either says.
  bool shared_memory = true;
};

namespace object {
Proxy ConnectTo(const Endpoint& endpoint, const ConnectOptions& options);
Proxy ConnectTo(std::string_view endpoint, const ConnectOptions& options);
}  // namespace object

template <class P>
P Connect(const Endpoint& endpoint, const ConnectOptions& options = {}) {
  return P(object::ConnectTo(endpoint, options));
}
template <class P>
P Connect(std::string_view endpoint, const ConnectOptions& options = {}) {
  return P(object::ConnectTo(endpoint, options));
}

// One proxy for each endpoint, in their order.
template <class P>
std::vector<P> ConnectAll(const std::vector<Endpoint>& endpoints,
                          const ConnectOptions& options = {}) {
  std::vector<P> proxies;
  proxies.reserve(endpoints.size());
  for (const Endpoint& endpoint : endpoints) proxies.push_back(Connect<P>(endpoint, options));
  return proxies;
}

}  // namespace drover

#endif  // DROVER_OBJECT_CONNECT_H_
