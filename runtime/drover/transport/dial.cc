#include "drover/transport/dial.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/base/status_macros.h"
#include "drover/base/unique_fd.h"
#include "drover/transport/inproc.h"
#include "drover/transport/socket_address.h"
#include "drover/transport/socket_stream.h"

namespace drover::transport {
namespace {

using StreamOr = absl::StatusOr<std::unique_ptr<ByteStream>>;

absl::Status DialError(const Endpoint& endpoint, int error) {
  const std::string message =
      absl::StrCat("cannot connect to ", endpoint.ToString(), ": ", std::string(strerror(error)));
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOENT:
    case ENOTDIR:
    case ETIMEDOUT:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return absl::UnavailableError(message);
    case EADDRNOTAVAIL:
      return absl::ResourceExhaustedError(message);  // no local port is left
    case EAGAIN:
      return absl::UnavailableError(
          absl::StrCat("cannot connect to ", endpoint.ToString(), ": its backlog stayed full"));
    default:
      return absl::ErrnoToStatus(error, absl::StrCat("cannot connect to ", endpoint.ToString()));
  }
}

void SetSendTimeout(int fd, absl::Duration timeout) {
  const timeval value = absl::ToTimeval(timeout);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
}

StreamOr DialUnix(const Endpoint& endpoint, absl::Duration timeout) {
  base::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return DialError(endpoint, errno);
  const SocketAddress address = UnixAddress(endpoint);
  const absl::Time deadline = absl::Now() + timeout;
  SetSendTimeout(fd.get(), timeout);
  while (connect(fd.get(), address.get(), address.size) != 0) {
    // Interrupted while the backlog was full: nothing was begun.
    if (errno != EINTR) return DialError(endpoint, errno);
    SetSendTimeout(fd.get(), std::max(deadline - absl::Now(), absl::Milliseconds(1)));
  }
  // The limit stays, without effect: streams never wait in a write.
  return SocketStream::MakeOfNew(std::move(fd), AF_UNIX, "unix");
}

// A socket that dials an unused port of its own host's ephemeral range may be given that very port,
// and meet itself.
bool MeetsItself(int fd, const SocketAddress& dialled) {
  const SocketAddress local = LocalAddress(fd);
  return local.Port() == dialled.Port() && local.ToString() == dialled.ToString();
}

// Waits for a connection that was begun; 0 or its errno.
int AwaitConnected(int fd, absl::Time deadline) {
  pollfd poll_fd{.fd = fd, .events = POLLOUT, .revents = 0};
  for (;;) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    const int n = poll(&poll_fd, 1, static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX)));
    if (n == 0) return ETIMEDOUT;
    if (n > 0) break;
    if (errno != EINTR) return errno;
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

StreamOr DialTcp(const Endpoint& endpoint, absl::Duration timeout, bool await_connected) {
  if (endpoint.port() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(endpoint.ToString(), ": port 0 cannot be dialled, only listened at"));
  }
  const absl::Time deadline = absl::Now() + timeout;
  DROVER_ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, ResolveTcp(endpoint));
  int error = 0;
  for (const SocketAddress& address : addresses) {
    base::UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) {
      error = errno;
      continue;
    }
    error = connect(fd.get(), address.get(), address.size) == 0 ? 0 : errno;
    // A signal leaves the connection under way, as non-blocking mode does.
    if ((error == 0 || error == EINPROGRESS) && MeetsItself(fd.get(), address)) {
      error = ECONNREFUSED;
    }
    if (error == EINPROGRESS || error == EINTR) {
      error = &address == &addresses.back() && !await_connected
                  ? 0
                  : AwaitConnected(fd.get(), deadline);
    }
    if (error == 0) return SocketStream::Make(std::move(fd), address.ToString());
  }
  return DialError(endpoint, error);
}

StreamOr DialFd(const Endpoint& endpoint) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(endpoint.fd(), SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    if (errno == EBADF) {
      return absl::FailedPreconditionError(
          absl::StrCat(endpoint.ToString(), ": the descriptor is not open"));
    }
    return absl::InvalidArgumentError(absl::StrCat(endpoint.ToString(), ": not a socket"));
  }
  const SocketAddress peer = PeerAddress(endpoint.fd());
  if (type != SOCK_STREAM || peer.size == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(endpoint.ToString(), ": not a connected stream socket"));
  }
  return SocketStream::Make(base::UniqueFd(endpoint.fd()), peer.ToString());
}

}  // namespace

StreamOr Dial(const Endpoint& endpoint, const DialOptions& options) {
  const absl::Duration timeout = std::max(options.timeout, absl::Milliseconds(1));
  switch (endpoint.scheme()) {
    case Endpoint::Scheme::kUnix:
    case Endpoint::Scheme::kShm:  // the two meet on a socket
      return DialUnix(endpoint, timeout);
    case Endpoint::Scheme::kTcp:
      return DialTcp(endpoint, timeout, options.await_connected);
    case Endpoint::Scheme::kInproc:
      return DialInproc(endpoint);
    case Endpoint::Scheme::kFd:
      return DialFd(endpoint);
    case Endpoint::Scheme::kFifo:
      break;
  }
  return absl::UnimplementedError(
      absl::StrCat(endpoint.ToString(), ": this scheme is not implemented yet"));
}

}  // namespace drover::transport
