// Socket addresses: from endpoints, and back to text.
//
//   DROVER_ASSIGN_OR_RETURN(std::vector<SocketAddress> addresses, ResolveTcp(endpoint));
//
// Thread-safe. Errors: Unavailable when a name does not resolve, naming the endpoint.
// Blocking: ResolveTcp of a host name asks the resolver; of a numeric address never blocks.
#ifndef DROVER_TRANSPORT_SOCKET_ADDRESS_H_
#define DROVER_TRANSPORT_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "drover/transport/endpoint.h"

namespace drover::transport {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  bool IsLoopback() const;       // TCP: 127.0.0.0/8, ::1
  uint16_t Port() const;         // TCP; 0 for others
  std::string ToString() const;  // "127.0.0.1:4711", "[::1]:4711", "unix"
};

// For a unix:// endpoint, or a file of another name beside it.
SocketAddress UnixAddress(const Endpoint& endpoint);
SocketAddress UnixPathAddress(const std::string& path);  // at most Endpoint::kMaxUnixPath bytes

// All addresses of a tcp:// endpoint, in the resolver's order; at least one.
absl::StatusOr<std::vector<SocketAddress>> ResolveTcp(const Endpoint& endpoint);

// Of a socket; size 0 if the kernel tells none.
SocketAddress LocalAddress(int fd);
SocketAddress PeerAddress(int fd);

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_SOCKET_ADDRESS_H_
