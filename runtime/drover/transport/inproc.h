// inproc://NAME: connections within one process, through socketpairs.
//
// A process-wide registry of the names that listen. A forked child starts with an empty one: it
// reaches no listener of its parent.
//
// Thread-safe. Errors: ListenInproc AlreadyExists for a name in use; DialInproc Unavailable when
// nobody listens or the backlog is full. Never blocks.
#ifndef DROVER_TRANSPORT_INPROC_H_
#define DROVER_TRANSPORT_INPROC_H_

#include <memory>

#include "absl/status/statusor.h"
#include "drover/transport/listener.h"

namespace drover::transport {

absl::StatusOr<std::unique_ptr<Listener>> ListenInproc(const Endpoint& endpoint,
                                                       const ListenOptions& options);
absl::StatusOr<std::unique_ptr<ByteStream>> DialInproc(const Endpoint& endpoint);

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_INPROC_H_
