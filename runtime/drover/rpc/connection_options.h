// What a Connection is made with.
//
//   ConnectionOptions options{.name = "unix:///w.sock"};
//   options.limits.max_imports = 100;
//
// Thread-compatible. Ownership: the connection keeps a copy, with the references, until it is
// closed.
#ifndef DROVER_RPC_CONNECTION_OPTIONS_H_
#define DROVER_RPC_CONNECTION_OPTIONS_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "drover/async/runtime.h"
#include "drover/base/ref.h"
#include "drover/rpc/call_hooks.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/limits.h"
#include "drover/rpc/liveness.h"
#include "drover/transport/byte_stream.h"

namespace drover::rpc {

class Connection;

// Whether a connection over a UNIX socket goes over to shared memory.
struct SharedMemoryTerms {
  // A client: never, once it has seen traffic if the server is willing, or before the first call or
  // not at all.
  enum class Use { kNever, kWhereOffered, kAlways } use = Use::kNever;
  // A server: whether it is willing, and the bytes that it shares with all its clients.
  bool offered = false;
  std::shared_ptr<std::atomic<size_t>> shared = nullptr;
};

// What many connections have in common: those of a server share one of these.
struct ConnectionTerms {
  // Of a server: where it listens. A connection without a name of its own is known by that and by
  // its peer; the text is made when it is needed.
  std::string listener = {};
  size_t max_frame_bytes = 64 << 20;
  Limits limits = {};
  Liveness liveness = {};
  base::Ref<CallHooks> hooks = nullptr;  // null: none
  SharedMemoryTerms shared_memory = {};
};

// How a client is called that has no name but where it was accepted.
std::string ClientName(const transport::PeerInfo& peer, const std::string& listener);

// Whoever wants to know when a connection has ended.
class ConnectionOwner {
 public:
  // Once, on any thread, no lock held.
  virtual void OnClosed(Connection& connection) = 0;

  virtual void AddRef() const = 0;
  virtual void Unref() const = 0;

 protected:
  ~ConnectionOwner() = default;
};

struct ConnectionOptions {
  std::string name;                              // of the peer, for errors and the log: an endpoint
  Runtime* runtime = nullptr;                    // null: the default one
  std::shared_ptr<const ConnectionTerms> terms;  // null: the defaults
  base::Ref<Capability> front_object;  // what Bootstrap gives the peer; until it is closed
  base::Ref<Capability> node;          // answers the Node interface beside it
  base::Ref<ConnectionOwner> owner;    // null: nobody; until it is closed
  // With a front object: the thread that makes the connection has the reactor, and calls OnReady at
  // once. What the client has sent by then is read without epoll having been told.
  bool read_by_maker = false;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_CONNECTION_OPTIONS_H_
