#include "drover/transport/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/base/log.h"
#include "drover/base/status_macros.h"
#include "drover/base/unique_fd.h"
#include "drover/transport/inproc.h"
#include "drover/transport/socket_address.h"
#include "drover/transport/socket_file.h"
#include "drover/transport/socket_stream.h"

namespace drover::transport {
namespace {

class SocketListener final : public Listener {
 public:
  SocketListener(Endpoint endpoint, base::UniqueFd fd, std::optional<SocketFile> file)
      : endpoint_(std::move(endpoint)), file_(std::move(file)), fd_(std::move(fd)) {}

  absl::StatusOr<std::unique_ptr<ByteStream>> Accept() override;

  int fd() const override { return fd_.get(); }
  std::vector<int> fds() const override {
    if (file_) return {fd_.get(), file_->lock_fd()};
    return {fd_.get()};
  }
  const Endpoint& endpoint() const override { return endpoint_; }
  void Forget() override {
    if (file_) file_->Forget();
  }

 private:
  const Endpoint endpoint_;
  std::optional<SocketFile> file_;
  const base::UniqueFd fd_;  // closed before the files go: nobody connects to a name half gone
};

absl::StatusOr<std::unique_ptr<ByteStream>> SocketListener::Accept() {
  for (;;) {
    SocketAddress address;
    address.size = sizeof address.storage;
    base::UniqueFd fd(accept4(fd_.get(), address.get(), &address.size, SOCK_CLOEXEC));
    if (!fd.valid()) {
      switch (errno) {
        case EAGAIN:
          return nullptr;
        // These tell of one connection that is gone, not of the listener.
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case EPERM:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENONET:
        case ENOPROTOOPT:
        case EOPNOTSUPP:
          continue;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
          return absl::ResourceExhaustedError(absl::StrCat(
              endpoint_.ToString(), ": cannot accept: ", std::string(strerror(errno))));
        default:
          return absl::ErrnoToStatus(errno, absl::StrCat(endpoint_.ToString(), ": cannot accept"));
      }
    }
    std::unique_ptr<SocketStream> stream =
        SocketStream::MakeOfNew(std::move(fd), address.family(), address.ToString());
    // No file guards an abstract name.
    if (endpoint_.is_abstract() && stream->peer().uid != geteuid()) {
      DROVER_LOG(kWarning) << endpoint_ << ": refused a connection of uid "
                           << stream->peer().uid.value_or(-1) << ", pid "
                           << stream->peer().pid.value_or(0) << ": an abstract name takes uid "
                           << geteuid() << " only";
      continue;
    }
    return stream;
  }
}

absl::Status SocketError(const Endpoint& endpoint, std::string_view what) {
  return absl::ErrnoToStatus(errno, absl::StrCat(endpoint.ToString(), ": ", std::string(what)));
}

absl::StatusOr<base::UniqueFd> NewSocket(const Endpoint& endpoint, int family) {
  base::UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return SocketError(endpoint, "cannot make a socket");
  return fd;
}

absl::Status BindAndListen(const Endpoint& endpoint, int fd, const SocketAddress& address,
                           int backlog) {
  if (bind(fd, address.get(), address.size) == 0 && listen(fd, backlog) == 0) {
    return absl::OkStatus();
  }
  if (errno == EADDRINUSE) {
    return absl::AlreadyExistsError(
        absl::StrCat(endpoint.ToString(), ": another server listens there"));
  }
  if (errno == EADDRNOTAVAIL) {
    return absl::InvalidArgumentError(
        absl::StrCat(endpoint.ToString(), ": not an address of this host"));
  }
  return SocketError(endpoint, "cannot listen");
}

absl::StatusOr<std::unique_ptr<Listener>> ListenUnix(const Endpoint& endpoint,
                                                     const ListenOptions& options) {
  DROVER_ASSIGN_OR_RETURN(base::UniqueFd fd, NewSocket(endpoint, AF_UNIX));
  std::optional<SocketFile> file;
  if (endpoint.is_abstract()) {
    DROVER_RETURN_IF_ERROR(
        BindAndListen(endpoint, fd.get(), UnixAddress(endpoint), options.backlog));
  } else {
    DROVER_ASSIGN_OR_RETURN(SocketFile claimed, SocketFile::Claim(endpoint));
    file.emplace(std::move(claimed));
    DROVER_RETURN_IF_ERROR(file->Publish(fd.get(), options.mode, options.backlog));
  }
  return std::make_unique<SocketListener>(endpoint, std::move(fd), std::move(file));
}

absl::StatusOr<std::unique_ptr<Listener>> ListenTcp(const Endpoint& endpoint,
                                                    const ListenOptions& options) {
  DROVER_ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, ResolveTcp(endpoint));
  absl::Status status;
  for (const SocketAddress& address : addresses) {
    if (!address.IsLoopback() && !options.allow_plaintext) {
      status = absl::FailedPreconditionError(absl::StrCat(
          endpoint.ToString(),
          ": reachable beyond this host, without encryption; set allow_plaintext to allow it"));
      continue;
    }
    absl::StatusOr<base::UniqueFd> fd = NewSocket(endpoint, address.family());
    status = fd.status();
    if (!status.ok()) continue;
    const int on = 1;
    setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    status = BindAndListen(endpoint, fd->get(), address, options.backlog);
    if (!status.ok()) continue;
    return std::make_unique<SocketListener>(endpoint.WithPort(LocalAddress(fd->get()).Port()),
                                            *std::move(fd), std::nullopt);
  }
  return status;
}

// What clients would dial to reach an inherited socket.
Endpoint EndpointOf(int fd, const Endpoint& fallback) {
  const SocketAddress address = LocalAddress(fd);
  std::string text;
  if (address.family() == AF_UNIX) {
    const char* path = reinterpret_cast<const sockaddr_un&>(address.storage).sun_path;
    const size_t size = address.size - offsetof(sockaddr_un, sun_path);
    if (address.size <= offsetof(sockaddr_un, sun_path)) return fallback;
    text = path[0] == '\0' ? absl::StrCat("unix:@", std::string(path + 1, size - 1))
                           : absl::StrCat("unix://", std::string(path, strnlen(path, size)));
  } else {
    text = absl::StrCat("tcp://", address.ToString());
  }
  return Endpoint::Parse(text).value_or(fallback);
}

absl::StatusOr<std::unique_ptr<Listener>> ListenFd(const Endpoint& endpoint) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (getsockopt(endpoint.fd(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) {
    if (errno == EBADF) {
      return absl::FailedPreconditionError(
          absl::StrCat(endpoint.ToString(), ": the descriptor is not open"));
    }
    return absl::InvalidArgumentError(absl::StrCat(endpoint.ToString(), ": not a socket"));
  }
  if (!listening) {
    return absl::InvalidArgumentError(
        absl::StrCat(endpoint.ToString(), ": not a listening socket"));
  }
  base::UniqueFd fd(endpoint.fd());
  fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  return std::make_unique<SocketListener>(EndpointOf(fd.get(), endpoint), std::move(fd),
                                          std::nullopt);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Listen(const Endpoint& named,
                                                           const ListenOptions& options) {
  const Endpoint endpoint = named.WithoutName();
  switch (endpoint.scheme()) {
    case Endpoint::Scheme::kUnix:
    case Endpoint::Scheme::kShm:  // the two meet on a socket
      return ListenUnix(endpoint, options);
    case Endpoint::Scheme::kTcp:
      return ListenTcp(endpoint, options);
    case Endpoint::Scheme::kInproc:
      return ListenInproc(endpoint, options);
    case Endpoint::Scheme::kFd:
      return ListenFd(endpoint);
    case Endpoint::Scheme::kFifo:
      break;
  }
  return absl::UnimplementedError(
      absl::StrCat(endpoint.ToString(), ": this scheme is not implemented yet"));
}

absl::Status Listener::RemoveStaleFiles(const Endpoint& endpoint) {
  if (!endpoint.has_socket_file()) return absl::OkStatus();
  absl::StatusOr<SocketFile> file = SocketFile::Claim(endpoint);
  if (absl::IsNotFound(file.status())) return absl::OkStatus();  // not even its directory
  DROVER_RETURN_IF_ERROR(file.status());
  return file->RemoveDead();
}

}  // namespace drover::transport
