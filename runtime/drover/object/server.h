// Serving an object at an endpoint.
//
//   absl::StatusOr<drover::Server> server =
//       drover::Serve("tcp://127.0.0.1:0", std::make_shared<Racer>());
//   std::cout << "running at " << server->endpoint() << "\n";
//   server->Wait();
//
// Thread-safety: thread-safe, except for moving and destroying. The servant is called as
// servant.h says.
// Ownership: a Server is move-only and owns its listener and connections; destroying it shuts it
// down. It keeps the servant alive.
// Errors: at each function.
// Blocking: Wait and Shutdown (and the destructor) block; Serve only for name resolution.
#ifndef DROVER_OBJECT_SERVER_H_
#define DROVER_OBJECT_SERVER_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "drover/async/runtime.h"
#include "drover/object/interceptor.h"
#include "drover/object/server_stats.h"
#include "drover/rpc/limits.h"
#include "drover/transport/accept_filter.h"
#include "drover/transport/endpoint.h"

namespace drover {

class Proxy;
class Servant;
namespace transport {
class Listener;
}

struct ServerOptions {
  // Whose threads serve. Default: Runtime::Default(), as for null.
  Runtime* runtime = nullptr;
  // Connections that may wait to be accepted. Default 4096; the kernel may allow fewer.
  int backlog = 4096;
  // Permissions of a unix:// or shm:// socket's file. Default 0600: the same user only.
  mode_t mode = 0600;
  // Allows a TCP address beyond loopback, where traffic is neither encrypted nor authenticated.
  // Default: refused with FailedPrecondition.
  bool allow_plaintext = false;
  // Largest message sent or accepted, in bytes. Default 64 MiB. A larger one that arrives ends the
  // connection it came on; a larger answer becomes ResourceExhausted.
  size_t max_message_bytes = 64 << 20;
  // Which clients are taken; called for each before anything is read from it, and must not block.
  // Default: all that reach the endpoint. One that is refused is told why. See accept_filter.h.
  AcceptFilter accept = nullptr;
  // Run before each call that arrives over a connection. Default: none. See interceptor.h.
  std::vector<ServerInterceptor> interceptors = {};
  // Lets every client, also one over TCP, list what is exported, read statistics and drain the
  // server (node.h). Default: only processes of the same user, on this machine.
  bool allow_remote_control = false;
  // What clients may cost this process.
  Limits limits = {};
  // How a peer that is there no more is noticed. `tcp_user_timeout`: how long TCP waits for data to
  // be acknowledged before the connection is lost. Default 30 s; 0 is the kernel's own limit, about
  // 15 minutes. It notices nothing while nothing is sent, and not a process that is stopped, until
  // more is sent than that process's kernel takes.
  absl::Duration tcp_user_timeout = absl::Seconds(30);
  // After so long without a byte from the peer it is sent a ping, over any transport. Default 0:
  // never. See drover/rpc/liveness.h.
  absl::Duration ping_interval = absl::ZeroDuration();
  // A peer from which no byte comes for so long after a ping is given up: calls fail with
  // Unavailable, "no answer to a ping for ...". Default 10 s; at least 1 ms.
  absl::Duration ping_timeout = absl::Seconds(10);
  // Offers shared memory to clients that are met at a UNIX socket (ConnectOptions::shared_memory),
  // up to limits.max_shared_memory. Default true. False, or DROVER_SHM=0 in the environment:
  // declines; those clients stay on the socket. At a shm:// endpoint it is offered in any case.
  bool shared_memory = true;
  // How long running calls may take to end when the server stops itself (StopServing, the
  // destructor). Default 10 s; zero cancels them at once.
  absl::Duration grace = absl::Seconds(10);
};

class Server {
 public:
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();

  // Where clients reach it: the kernel's port in place of 0.
  const Endpoint& endpoint() const;

  // Lets clients find an object by name: Connect<P>("unix:///run/w.sock#name"). Kept alive until it
  // is unexported or the server is shut down; those who have it keep it longer. Errors:
  // InvalidArgument for an empty name, AlreadyExists for one that is taken.
  absl::Status Export(const std::string& name, std::shared_ptr<Servant> servant);
  // The same for what a proxy refers to: a leased or revocable reference, or an object elsewhere.
  absl::Status Export(const std::string& name, const Proxy& object);
  // NotFound if there is none.
  absl::Status Unexport(const std::string& name);

  // Takes no more connections and calls, lets running calls end for at most `grace`, sends their
  // answers, then cancels the rest and closes all connections.
  void Shutdown(absl::Duration grace);

  // Waits until the server has been shut down, by Shutdown or by StopServing.
  void Wait();

  // Connections open at present.
  size_t connections() const;

  // What it has done so far, and what it holds.
  ServerStats Stats() const;

  class Impl;
  explicit Server(std::shared_ptr<Impl> impl);

 private:
  std::shared_ptr<Impl> impl_;
};

// Errors: InvalidArgument for a text that is no endpoint, or no servant; those of listening:
// AlreadyExists if somebody serves there, FailedPrecondition for plaintext TCP beyond loopback, and
// so on (transport/listener.h).
absl::StatusOr<Server> Serve(const Endpoint& endpoint, std::shared_ptr<Servant> servant,
                             const ServerOptions& options = {});
absl::StatusOr<Server> Serve(std::string_view endpoint, std::shared_ptr<Servant> servant,
                             const ServerOptions& options = {});
// On a listener that was made before, such as one inherited through a fork.
absl::StatusOr<Server> Serve(std::unique_ptr<transport::Listener> listener,
                             std::shared_ptr<Servant> servant, const ServerOptions& options = {});

// Shuts all servers of this process down, after the calls that run, the calling one included, have
// been answered; Wait returns then. Returns OK at once; safe from a servant, and made for it:
//
//   absl::Status Stop() override { return drover::StopServing(); }
absl::Status StopServing();

}  // namespace drover

#endif  // DROVER_OBJECT_SERVER_H_
