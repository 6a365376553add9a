#include "drover/rpc/remote_capability.h"

#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/outgoing_call.h"

namespace drover::rpc {

RemoteCapability::RemoteCapability(base::Ref<Connection> connection, ImportId id)
    : ForwardingCapability(Kind::kRemote), connection_(std::move(connection)), id_(id) {}

RemoteCapability::~RemoteCapability() {
  connection_->ReleaseImport(*this);
  if (base::SharedFd* fd = fd_.load(std::memory_order_acquire); fd != nullptr) fd->Unref();
}

void RemoteCapability::Send(OutgoingCall call, base::Ref<ReturnHandler> handler) {
  connection_->SendCall(CallTarget::Import(id_), std::move(call), std::move(handler));
}

}  // namespace drover::rpc
