// An object at the far end of a connection: an entry of the import table.
//
// Its last reference gives the peer's references back.
#ifndef DROVER_RPC_REMOTE_CAPABILITY_H_
#define DROVER_RPC_REMOTE_CAPABILITY_H_

#include <atomic>

#include "drover/rpc/forwarding_capability.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/import_table.h"

namespace drover::rpc {

class Connection;

class RemoteCapability final : public ForwardingCapability {
 public:
  RemoteCapability(base::Ref<Connection> connection, ImportId id);
  ~RemoteCapability() override;

  void Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) override;
  void DeliverEcho(Echo echo, Deferred& deferred) override;

  CallHooks* hooks() const override;
  base::Ref<transport::SharedArena> arena() const override;

  Connection& connection() const { return *connection_; }
  ImportId id() const { return id_; }

  base::Ref<base::SharedFd> AttachedFd() const override {
    return base::Ref<base::SharedFd>::Share(fd_.load(std::memory_order_acquire));
  }
  // The descriptor that came with it. Under the connection's lock; false if it has one.
  bool AttachFd(base::Ref<base::SharedFd> fd) {
    if (fd_.load(std::memory_order_relaxed) != nullptr) return false;
    fd_.store(fd.Release(), std::memory_order_release);
    return true;
  }

  ImportReferences references;  // guarded by the connection's lock

 private:
  void SendDelivered(OutgoingCall&& call, base::Ref<ReturnHandler> handler) override;

  const base::Ref<Connection> connection_;
  const ImportId id_;
  std::atomic<base::SharedFd*> fd_{nullptr};  // ours; set once
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_REMOTE_CAPABILITY_H_
