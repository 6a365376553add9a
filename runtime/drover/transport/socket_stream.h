// A ByteStream over a stream socket: UNIX, TCP, or one end of a socketpair.
//
//   std::unique_ptr<SocketStream> stream = SocketStream::Make(std::move(fd), "unix");
//
// The descriptor is in blocking mode, so that Read(Wait::kBlock) is one recv(); everything else
// asks for MSG_DONTWAIT. A TCP socket may still be connecting: until it is, reads and writes
// would block, and a failure to connect is their error (ECONNREFUSED, ETIMEDOUT...). A UNIX socket
// over which large messages go gets a send buffer of 1 MiB (SO_SNDBUF), or of what
// net.core.wmem_max allows.
//
// Thread-safety, errors, blocking: as ByteStream's. Ownership: owns the descriptor.
#ifndef DROVER_TRANSPORT_SOCKET_STREAM_H_
#define DROVER_TRANSPORT_SOCKET_STREAM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "drover/base/unique_fd.h"
#include "drover/transport/byte_stream.h"

namespace drover::transport {

// The default of SetTcpUserTimeout.
constexpr absl::Duration kTcpUserTimeout = absl::Seconds(30);

class SocketStream final : public ByteStream {
 public:
  // `fd` is a stream socket; it is switched to blocking mode and to close-on-exec. Sets
  // TCP_NODELAY and kTcpUserTimeout on TCP, asks for the peer's credentials on UNIX. `address` is
  // what peer() says.
  static std::unique_ptr<SocketStream> Make(base::UniqueFd fd, std::string address);
  // The same for one that is known to be in these modes, and of what family: what was made for this
  // and has been given to nobody else, costs no system calls to find that out.
  static std::unique_ptr<SocketStream> MakeOfNew(base::UniqueFd fd, int family,
                                                 std::string address);

  IoResult Read(std::span<std::byte> into, Wait wait) override;
  void SetReadLimit(absl::Duration limit) override;
  void SetTcpUserTimeout(absl::Duration limit) override;
  IoResult Write(std::span<const iovec> from) override;
  bool CanPassFds() const override { return !tcp_; }
  bool CanShareMemory() const override { return !tcp_; }
  bool MetPeer() const override { return own_; }
  IoResult ReadWithFds(std::span<std::byte> into, Wait wait, size_t max_fds,
                       std::vector<base::UniqueFd>* fds) override;
  IoResult WriteWithFds(std::span<const iovec> from, std::span<const int> fds) override;
  void Shutdown() override;
  bool EndsWhenClosed() const override;
  int fd() const override { return fd_.get(); }
  const PeerInfo& peer() const override { return peer_; }

 private:
  SocketStream(base::UniqueFd fd, PeerInfo peer);

  // What Write did, by what the system call returned.
  IoResult Written(ssize_t n);

  const base::UniqueFd fd_;
  const PeerInfo peer_;
  bool tcp_ = false;
  bool own_ = false;       // nobody else had the descriptor when this was made
  bool enlarged_ = false;  // the send buffer; the writer's
};

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_SOCKET_STREAM_H_
