// Takes connections at an endpoint.
//
//   DROVER_ASSIGN_OR_RETURN(auto listener, Listener::Listen(endpoint));
//   while (PollReadable(listener->fd())) {
//     DROVER_ASSIGN_OR_RETURN(std::unique_ptr<ByteStream> stream, listener->Accept());
//     if (stream != nullptr) ...
//   }
//
// A unix:// path is held by a lock on PATH.lock. Whoever holds the lock is alive: a second
// listener at the path gets AlreadyExists. The kernel drops the lock with the last process that
// has the listener, so a socket file whose server died, by whatever signal, is taken over. The
// socket appears at PATH by a rename, already listening: a client finds no socket or one that
// answers. Both files are removed by the destructor, in the process that called Listen alone: a
// forked child closes its copy and touches nothing.
//
// Thread-safety: thread-safe, but for the destructor. Ownership: owns its descriptors and files.
// A fork shares the listener: parent and children accept from the same queue (not inproc, which
// ends with the process).
// Errors: at each function.
// Blocking: Listen may ask the resolver for a host's name; nothing else blocks.
#ifndef DROVER_TRANSPORT_LISTENER_H_
#define DROVER_TRANSPORT_LISTENER_H_

#include <sys/types.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "drover/transport/byte_stream.h"
#include "drover/transport/endpoint.h"

namespace drover::transport {

struct ListenOptions {
  // Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn.
  int backlog = 4096;
  // Permissions of a unix:// socket's file, whatever the umask. The default lets in the same
  // user only.
  mode_t mode = 0600;
  // Allows a TCP address beyond loopback. The traffic is neither encrypted nor authenticated.
  bool allow_plaintext = false;
};

class Listener {
 public:
  // Errors:
  //   AlreadyExists       the path, abstract name, port or inproc name is in use
  //   InvalidArgument     fd:N is not a listening stream socket; an address not of this host
  //   FailedPrecondition  TCP beyond loopback without allow_plaintext; fd:N is not open; the path
  //                       is a file that is not a socket
  //   NotFound            the path's directory does not exist
  //   PermissionDenied    the directory cannot be written, the port is privileged
  //   Unavailable         the host's name does not resolve
  //   Unimplemented       fifo
  // fd:N passes into the listener's ownership and becomes non-blocking.
  static absl::StatusOr<std::unique_ptr<Listener>> Listen(const Endpoint& endpoint,
                                                          const ListenOptions& options = {});

  // Removes what a dead server left at a unix:// endpoint: the socket, its lock, a temporary
  // name. OK when nothing is there, or for any other kind of endpoint. AlreadyExists if a server
  // is alive there, and then nothing is touched.
  static absl::Status RemoveStaleFiles(const Endpoint& endpoint);

  virtual ~Listener() = default;

  // The next connection; null when none waits. A connection that ended before it was accepted is
  // no error, and a peer that may not connect (another uid on an abstract name) is closed and
  // logged. Errors: ResourceExhausted when descriptors or memory are short, the connection still
  // waits; anything else means the listener is broken.
  virtual absl::StatusOr<std::unique_ptr<ByteStream>> Accept() = 0;

  // Readable while a connection waits; for poll and epoll.
  virtual int fd() const = 0;

  // Descriptors that must stay open for the listener to work, fd() first, none else.
  virtual std::vector<int> fds() const = 0;

  // Where clients reach it: the kernel's port in place of 0, no object's name; for fd:N the
  // socket's own address if it has one.
  virtual const Endpoint& endpoint() const = 0;

  // Leaves the files to another owner: the destructor will not remove them.
  virtual void Forget() {}
};

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_LISTENER_H_
