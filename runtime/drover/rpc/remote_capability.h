// An object at the far end of a connection: an entry of the import table.
//
// Its last reference gives the peer's references back.
#ifndef DROVER_RPC_REMOTE_CAPABILITY_H_
#define DROVER_RPC_REMOTE_CAPABILITY_H_

#include "drover/rpc/forwarding_capability.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/import_table.h"

namespace drover::rpc {

class Connection;

class RemoteCapability final : public ForwardingCapability {
 public:
  RemoteCapability(base::Ref<Connection> connection, ImportId id);
  ~RemoteCapability() override;

  void Send(OutgoingCall call, base::Ref<ReturnHandler> handler) override;
  void DeliverEcho(Echo echo, Deferred& deferred) override;

  Connection& connection() const { return *connection_; }
  ImportId id() const { return id_; }

  ImportReferences references;  // guarded by the connection's lock

 private:
  const base::Ref<Connection> connection_;
  const ImportId id_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_REMOTE_CAPABILITY_H_
