// Which clients a server takes, by what the kernel tells of them: user and address.
//
//   drover::ServerOptions options;
//   options.accept = drover::AllowUids({getuid()});
//
//   absl::StatusOr<drover::AcceptFilter> intranet =
//       drover::AllowAddresses({"10.0.0.0/8", "127.0.0.1", "::1"});
//   if (!intranet.ok()) ...
//   options.accept = *intranet;
//
// A filter is called once for each connection, before anything is read from it. A client that is
// refused gets an Abort with the reason, then the end: its calls fail with Unavailable, naming it.
//
// An address says where a packet came from, not who sent it; TCP without encryption can be
// overheard and taken over on its way. A uid is what the kernel vouches for, on UNIX sockets only.
//
// Thread-safe: a filter may be called by several threads at a time. Copies are independent.
// Errors: a filter gives OK to take the client, else why not (PermissionDenied by custom).
// Blocking: filters run on the thread that accepts and must not block.
#ifndef DROVER_TRANSPORT_ACCEPT_FILTER_H_
#define DROVER_TRANSPORT_ACCEPT_FILTER_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drover/transport/byte_stream.h"

namespace drover {

using PeerInfo = transport::PeerInfo;
using AcceptFilter = std::function<absl::Status(const PeerInfo&)>;

// Takes processes of these users, over UNIX sockets. A TCP client has no uid and is refused.
AcceptFilter AllowUids(std::vector<uid_t> uids);

// Takes clients by where they call from. An entry is an IPv4 or IPv6 address ("10.1.2.3", "::1"), a
// network ("10.0.0.0/8", "fd00::/8"; the address's further bits must be 0), or "unix" for any
// client over a UNIX socket. An IPv4 client of an IPv6 socket (::ffff:10.1.2.3) counts as IPv4.
// Clients within the process (inproc) are taken always. An empty list takes nobody else.
// Errors: InvalidArgument, naming the entry and what is wrong with it.
absl::StatusOr<AcceptFilter> AllowAddresses(const std::vector<std::string>& entries);

}  // namespace drover

#endif  // DROVER_TRANSPORT_ACCEPT_FILTER_H_
