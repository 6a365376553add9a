// The peer's front object, usable before the peer has said what it is.
#ifndef DROVER_RPC_BOOTSTRAP_CAPABILITY_H_
#define DROVER_RPC_BOOTSTRAP_CAPABILITY_H_

#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/forwarding_capability.h"
#include "drover/rpc/outgoing_call.h"

namespace drover::rpc {

class BootstrapCapability final : public ForwardingCapability {
 public:
  explicit BootstrapCapability(base::Ref<Connection> connection)
      : ForwardingCapability(Kind::kBootstrap), connection_(std::move(connection)) {}

  void Send(OutgoingCall call, base::Ref<ReturnHandler> handler) override {
    connection_->SendCall(CallTarget::Bootstrap(), std::move(call), std::move(handler));
  }

  const Connection& connection() const { return *connection_; }

 private:
  const base::Ref<Connection> connection_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_BOOTSTRAP_CAPABILITY_H_
