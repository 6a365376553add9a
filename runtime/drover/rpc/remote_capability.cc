#include "drover/rpc/remote_capability.h"

#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/outgoing_call.h"

namespace drover::rpc {

RemoteCapability::RemoteCapability(base::Ref<Connection> connection, ImportId id)
    : ForwardingCapability(Kind::kRemote), connection_(std::move(connection)), id_(id) {}

RemoteCapability::~RemoteCapability() {
  connection_->ReleaseImport(this, id_, references);
  if (base::SharedFd* fd = fd_.load(std::memory_order_acquire); fd != nullptr) fd->Unref();
}

void RemoteCapability::Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) {
  if (!HasPendingCalls()) {
    SendDelivered(std::move(call), std::move(handler));
    return;
  }
  // Calls of the same caller may be among them: those it made through a promise of this object.
  Deferred deferred;
  Deliver(IncomingCall::FromLocal(std::move(call), base::Ref<Capability>::Share(this),
                                  std::move(handler)),
          deferred);
  deferred.FinishOnPool();
}

void RemoteCapability::SendDelivered(OutgoingCall&& call, base::Ref<ReturnHandler> handler) {
  connection_->SendCall(*this, std::move(call), std::move(handler));
}

CallHooks* RemoteCapability::hooks() const { return connection_->hooks().get(); }

base::Ref<transport::SharedArena> RemoteCapability::arena() const { return connection_->arena(); }

void RemoteCapability::DeliverEcho(Echo echo, Deferred& deferred) {
  if (echo.connection != connection_) {
    ForwardingCapability::DeliverEcho(std::move(echo), deferred);
    return;
  }
  auto self = base::Ref<RemoteCapability>::Share(this);
  if (forwarding()->Push({.call = nullptr, .task = [self, embargo = echo.embargo] {
                            self->connection().SendLoopback(self->id(), embargo);
                          }})) {
    deferred.Run(forwarding());
  }
}

}  // namespace drover::rpc
