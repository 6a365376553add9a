#include "drover/object/generated.h"

namespace drover::object {

void ClientCall::Send(base::Ref<rpc::ReturnHandler> handler) {
  if (!error_.ok()) {
    handler->OnError(absl::Status(
        error_.code(),
        absl::StrCat(method_.interface_name, ".", method_.name, ": ", error_.message())));
  } else if (!target_) {
    handler->OnError(absl::FailedPreconditionError(
        absl::StrCat(method_.interface_name, ".", method_.name,
                     ": called through a proxy that refers to no object")));
  } else {
    target_->Send(std::move(call_), std::move(handler));
  }
}

void ServerCall::Unimplemented() {
  call_.ReturnError(
      absl::UnimplementedError(absl::StrCat("the object has no method ", call_.method_id(),
                                            " of interface 0x", absl::Hex(call_.interface_id()))));
}

void ServerCall::ReplyTo(rpc::IncomingCall& call, const absl::Status& status) {
  if (!status.ok()) return call.ReturnError(status);
  call.ReturnResults();
}

}  // namespace drover::object
