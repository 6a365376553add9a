#include "drover/transport/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace drover::transport {
namespace {

const sockaddr_in& AsIpv4(const SocketAddress& a) {
  return reinterpret_cast<const sockaddr_in&>(a.storage);
}
const sockaddr_in6& AsIpv6(const SocketAddress& a) {
  return reinterpret_cast<const sockaddr_in6&>(a.storage);
}

}  // namespace

bool SocketAddress::IsLoopback() const {
  if (family() == AF_INET) return ntohl(AsIpv4(*this).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  if (family() != AF_INET6) return false;
  const in6_addr& v6 = AsIpv6(*this).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) ||
         (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
}

uint16_t SocketAddress::Port() const {
  if (family() == AF_INET) return ntohs(AsIpv4(*this).sin_port);
  if (family() == AF_INET6) return ntohs(AsIpv6(*this).sin6_port);
  return 0;
}

std::string SocketAddress::ToString() const {
  char host[NI_MAXHOST];
  if (family() != AF_INET && family() != AF_INET6) return "unix";
  if (getnameinfo(get(), size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0) return "?";
  return family() == AF_INET ? absl::StrCat(host, ":", Port())
                             : absl::StrCat("[", host, "]:", Port());
}

SocketAddress UnixPathAddress(const std::string& path) {
  SocketAddress address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());  // the storage is zeroed: terminated
  address.size = offsetof(sockaddr_un, sun_path) + path.size() + 1;
  return address;
}

SocketAddress UnixAddress(const Endpoint& endpoint) {
  SocketAddress address = UnixPathAddress(endpoint.path());
  if (endpoint.is_abstract()) {
    reinterpret_cast<sockaddr_un&>(address.storage).sun_path[0] = '\0';
    address.size -= 1;  // an abstract name is not terminated: every byte counts
  }
  return address;
}

absl::StatusOr<std::vector<SocketAddress>> ResolveTcp(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error =
      getaddrinfo(endpoint.host().c_str(), absl::StrCat(endpoint.port()).c_str(), &hints, &list);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat(endpoint.ToString(), ": cannot resolve the host: ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
    address.size = a->ai_addrlen;
    addresses.push_back(address);
  }
  return addresses;
}

SocketAddress LocalAddress(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getsockname(fd, address.get(), &address.size) != 0) address.size = 0;
  return address;
}

SocketAddress PeerAddress(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getpeername(fd, address.get(), &address.size) != 0) address.size = 0;
  return address;
}

}  // namespace drover::transport
