// Connects to an endpoint.
//
//   DROVER_ASSIGN_OR_RETURN(std::unique_ptr<ByteStream> stream, Dial(endpoint));
//
// Thread-safe. Ownership: the stream is the caller's; the descriptor of fd:N passes into it, so
// such an endpoint is dialled once.
//
// Errors, each naming the endpoint:
//   Unavailable         nobody listens there (refused, no such socket), the host's name does not
//                       resolve, or the timeout passed; trying again later may help
//   PermissionDenied    the socket's file may not be used by this user
//   InvalidArgument     port 0; fd:N is not a connected stream socket
//   FailedPrecondition  fd:N is not open
//   ResourceExhausted   out of descriptors or local ports
//   Unimplemented       fifo
//
// Blocking: a UNIX socket only while the listener's backlog is full. TCP returns while the last
// address (or the only one) still connects: the stream's first read or write tells how it ended,
// within kTcpUserTimeout or the kernel's own limit. A host with several addresses is tried one by
// one, and only all but the last are waited for. A host's name asks the resolver, which the
// timeout does not bound; numeric addresses never block.
#ifndef DROVER_TRANSPORT_DIAL_H_
#define DROVER_TRANSPORT_DIAL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "drover/transport/byte_stream.h"
#include "drover/transport/endpoint.h"

namespace drover::transport {

struct DialOptions {
  // The most that Dial waits for a full backlog, or for all addresses it waits for together.
  // Default 10 s; at least 1 ms.
  absl::Duration timeout = absl::Seconds(10);
  // Waits until a TCP connection is made, so that a failure is Dial's error and not the stream's.
  bool await_connected = false;
};

absl::StatusOr<std::unique_ptr<ByteStream>> Dial(const Endpoint& endpoint,
                                                 const DialOptions& options = {});

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_DIAL_H_
