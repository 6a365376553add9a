// Takes the connections of one listener and serves them until it is shut down.
//
// Thread-safe. Reference-counted; Shutdown must be called before the last reference goes. Shutdown
// blocks for at most the grace; nothing else does.
#ifndef DROVER_RPC_ACCEPTOR_H_
#define DROVER_RPC_ACCEPTOR_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "drover/async/reactor.h"
#include "drover/async/runtime.h"
#include "drover/base/mutex.h"
#include "drover/rpc/accept_budget.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/limits.h"
#include "drover/rpc/liveness.h"
#include "drover/transport/accept_filter.h"
#include "drover/transport/listener.h"

namespace drover::rpc {

struct AcceptorOptions {
  base::Ref<Capability> node;  // answers the Node interface, or null
  base::Ref<CallHooks> hooks;  // of all connections, or null
  Runtime* runtime = nullptr;
  size_t max_frame_bytes = 64 << 20;
  Limits limits = {};
  Liveness liveness = {};
  AcceptFilter accept = nullptr;  // null: everybody
  bool shared_memory = false;     // offered, over UNIX sockets
};

class Acceptor final : public async::EventHandler, public ConnectionOwner {
 public:
  static base::Ref<Acceptor> Start(std::unique_ptr<transport::Listener> listener,
                                   base::Ref<Capability> front, AcceptorOptions options);

  // Takes no more connections or calls, lets running calls end for at most `grace`, writes their
  // answers, then ends every connection. The second call returns at once.
  void Shutdown(absl::Duration grace);

  size_t connections();
  // Those open at present.
  std::vector<base::Ref<Connection>> OpenConnections();

  void OnReady(uint32_t events) override;
  void OnTimer() override;  // tries again after descriptors ran out
  void HandOver() override {}
  void OnClosed(Connection& connection) override;
  void AddRef() const override { async::EventHandler::AddRef(); }
  void Unref() const override { async::EventHandler::Unref(); }

 private:
  Acceptor(std::unique_ptr<transport::Listener> listener, base::Ref<Capability> front,
           AcceptorOptions options);
  void Add(std::unique_ptr<transport::ByteStream> stream);
  // OK if it may be served.
  absl::Status CheckPeer(const transport::PeerInfo& peer);
  absl::Status CheckRoom();
  void StopListening();
  void Watch(uint32_t events) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const base::Ref<Capability> front_;
  const AcceptorOptions options_;
  Runtime& runtime_;
  const std::string name_;
  const std::shared_ptr<const ConnectionTerms> terms_;  // of all its connections
  uint64_t reactor_id_ = 0;

  base::Mutex mu_;
  std::unique_ptr<transport::Listener> listener_ ABSL_GUARDED_BY(mu_);
  uint32_t watched_ ABSL_GUARDED_BY(mu_) = 0;
  AcceptBudget budget_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool full_ ABSL_GUARDED_BY(mu_) = false;   // and the log says so
  bool short_ ABSL_GUARDED_BY(mu_) = false;  // of descriptors, and the log says so
  absl::flat_hash_map<Connection*, base::Ref<Connection>> connections_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_ACCEPTOR_H_
