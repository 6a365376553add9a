// The base of capabilities that are not objects of this process: calls that arrive here for them
// (their proxy was passed on to somebody else) are made again towards them, in order.
#ifndef DROVER_RPC_FORWARDING_CAPABILITY_H_
#define DROVER_RPC_FORWARDING_CAPABILITY_H_

#include <functional>
#include <utility>

#include "drover/rpc/capability.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/return_handler.h"
#include "drover/rpc/strand.h"

namespace drover::rpc {

// Makes the call again, by `send`, with the same params, and returns what it returns.
using SendCallFunction = std::function<void(OutgoingCall, base::Ref<ReturnHandler>)>;
void ForwardCall(base::Ref<IncomingCall> call, const SendCallFunction& send);

class ForwardingCapability : public Capability {
 public:
  void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) override;
  bool HasPendingCalls() const override { return forwarding_->busy(); }

  // Calls being forwarded; what must arrive behind them is pushed here.
  const base::Ref<Strand>& forwarding() const { return forwarding_; }

 protected:
  explicit ForwardingCapability(Kind kind);
  ~ForwardingCapability() override;
  // Makes a call that was delivered, when it is its turn.
  virtual void SendDelivered(OutgoingCall&& call, base::Ref<ReturnHandler> handler) {
    Send(std::move(call), std::move(handler));
  }

 private:
  const base::Ref<Strand> forwarding_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_FORWARDING_CAPABILITY_H_
