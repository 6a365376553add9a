#include "drover/transport/socket_stream.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "drover/base/fork_generation.h"
#include "drover/base/sanitizer.h"

namespace drover::transport {
namespace {

// The kernel passes no more with one write (SCM_MAX_FD).
constexpr size_t kMostFds = 253;

IoResult Failed(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return {.would_block = true};
  return {.error = error};
}

// recv() and send() without being points where a thread may be cancelled, for which glibc
// before 2.41 pays with atomic operations at either end. Sanitizers are to see the functions that
// they know.
#if !defined(DROVER_SANITIZED) && defined(SYS_recvfrom) && defined(SYS_sendto)
ssize_t Receive(int fd, void* into, size_t size, int flags) {
  return syscall(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
}
ssize_t Send(int fd, const void* from, size_t size, int flags) {
  return syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
}
#else
ssize_t Receive(int fd, void* into, size_t size, int flags) { return recv(fd, into, size, flags); }
ssize_t Send(int fd, const void* from, size_t size, int flags) {
  return send(fd, from, size, flags);
}
#endif

void ConfigureTcp(int fd) {
  const int on = 1;
  // May fail on a socket that is already dead; its next read says so.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Each time that a writer has to wait for the reader costs two wake-ups; of a large message, more
// leaves at once than the 208 KiB that are usual. The kernel doubles this, as it counts overhead of
// its own, and bounds it by net.core.wmem_max.
constexpr int kUnixSendBuffer = 512 * 1024;
// A write of so much shows that there are large messages.
constexpr ssize_t kLargeWrite = 128 * 1024;

}  // namespace

SocketStream::SocketStream(base::UniqueFd fd, PeerInfo peer)
    : fd_(std::move(fd)), peer_(std::move(peer)) {}

std::unique_ptr<SocketStream> SocketStream::Make(base::UniqueFd fd, std::string address) {
  fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  const int flags = fcntl(fd.get(), F_GETFL);
  if ((flags & O_NONBLOCK) != 0) fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK);

  int family = 0;
  socklen_t size = sizeof family;
  getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
  std::unique_ptr<SocketStream> stream = MakeOfNew(std::move(fd), family, std::move(address));
  stream->own_ = false;
  return stream;
}

std::unique_ptr<SocketStream> SocketStream::MakeOfNew(base::UniqueFd fd, int family,
                                                      std::string address) {
  PeerInfo peer{.address = std::move(address), .pid = std::nullopt, .uid = std::nullopt};
  if (family == AF_UNIX) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    // A peer in a pid namespace that we do not see has pid 0.
    if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
      if (credentials.pid > 0) peer.pid = credentials.pid;
      peer.uid = credentials.uid;
    }
  } else {
    ConfigureTcp(fd.get());
  }
  std::unique_ptr<SocketStream> stream(new SocketStream(std::move(fd), std::move(peer)));
  stream->tcp_ = family != AF_UNIX;
  stream->own_ = true;
  stream->SetTcpUserTimeout(kTcpUserTimeout);
  return stream;
}

IoResult SocketStream::Read(std::span<std::byte> into, Wait wait) {
  assert(!into.empty());
  const int flags = wait == Wait::kDontBlock ? MSG_DONTWAIT : 0;
  ssize_t n;
  do {
    n = Receive(fd_.get(), into.data(), into.size(), flags);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return {.bytes = static_cast<size_t>(n)};
  if (n == 0) return {.end = true};
  return Failed(errno);
}

void SocketStream::SetTcpUserTimeout(absl::Duration limit) {
  if (!tcp_) return;
  // Not 0 for a short one: that is the kernel's own limit.
  const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(limit, absl::Milliseconds(1)));
  const auto timeout = static_cast<unsigned>(std::clamp<int64_t>(ms, 0, INT_MAX));
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

void SocketStream::SetReadLimit(absl::Duration limit) {
  const timeval value = limit == absl::InfiniteDuration() ? timeval{} : absl::ToTimeval(limit);
  // Cannot fail on a socket that is open.
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
}

IoResult SocketStream::Write(std::span<const iovec> from) {
  assert(!from.empty());
  if (from.size() == 1) {
    ssize_t n;
    do {
      n = Send(fd_.get(), from[0].iov_base, from[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return Written(n);
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());  // sendmsg only reads it
  message.msg_iovlen = std::min<size_t>(from.size(), IOV_MAX);
  ssize_t n;
  do {
    n = sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  return Written(n);
}

IoResult SocketStream::Written(ssize_t n) {
  if (n < 0) return Failed(errno);
  if (n >= kLargeWrite && !tcp_ && !std::exchange(enlarged_, true)) {
    // If it fails, the buffer stays as it is.
    setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &kUnixSendBuffer, sizeof kUnixSendBuffer);
  }
  return {.bytes = static_cast<size_t>(n)};
}

IoResult SocketStream::ReadWithFds(std::span<std::byte> into, Wait wait, size_t max_fds,
                                   std::vector<base::UniqueFd>* fds) {
  assert(!into.empty());
  iovec piece{into.data(), into.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  const int flags = MSG_CMSG_CLOEXEC | (wait == Wait::kDontBlock ? MSG_DONTWAIT : 0);
  ssize_t n;
  do {
    // Exactly this many fit, and the kernel closes what does not.
    message.msg_controllen = CMSG_LEN(std::min(max_fds, kMostFds) * sizeof(int));
    n = recvmsg(fd_.get(), &message, flags);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return Failed(errno);
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      fds->emplace_back(fd);
    }
  }
  if (n == 0) return {.end = true};
  return {.bytes = static_cast<size_t>(n)};
}

IoResult SocketStream::WriteWithFds(std::span<const iovec> from, std::span<const int> fds) {
  assert(!from.empty() && fds.size() <= kMostFds);
  alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());  // sendmsg only reads it
  message.msg_iovlen = std::min<size_t>(from.size(), IOV_MAX);
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  ssize_t n;
  do {
    n = sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return {.bytes = static_cast<size_t>(n)};
  return Failed(errno);
}

void SocketStream::Shutdown() { shutdown(fd_.get(), SHUT_RDWR); }

// A TCP socket that is closed while something is unread says so by a reset, which may overtake what
// was written last.
bool SocketStream::EndsWhenClosed() const { return own_ && !tcp_ && !base::MayShareDescriptors(); }

}  // namespace drover::transport
