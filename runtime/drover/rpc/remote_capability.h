// An object at the far end of a connection: an entry of the import table.
//
// Its last reference gives the peer's references back.
#ifndef DROVER_RPC_REMOTE_CAPABILITY_H_
#define DROVER_RPC_REMOTE_CAPABILITY_H_

#include <cstdint>

#include "drover/rpc/forwarding_capability.h"
#include "drover/rpc/ids.h"

namespace drover::rpc {

class Connection;

class RemoteCapability final : public ForwardingCapability {
 public:
  RemoteCapability(base::Ref<Connection> connection, ImportId id);
  ~RemoteCapability() override;

  void Send(OutgoingCall call, base::Ref<ReturnHandler> handler) override;

  Connection& connection() const { return *connection_; }
  ImportId id() const { return id_; }

  // How often the peer has sent it; guarded by the connection's lock.
  uint32_t received = 0;

 private:
  const base::Ref<Connection> connection_;
  const ImportId id_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_REMOTE_CAPABILITY_H_
