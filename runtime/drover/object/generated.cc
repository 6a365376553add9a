#include "drover/object/generated.h"

namespace drover::object {

absl::Status ClientCall::Unfit(const kj::Exception& e) const {
  return absl::InvalidArgumentError(absl::StrCat(method_.interface_name, ".", method_.name,
                                                 ": the params do not fit into a message: ",
                                                 e.getDescription().cStr()));
}

void ClientCall::Send(base::Ref<rpc::ReturnHandler> handler) {
  if (!error_.ok()) {
    handler->OnError(error_);
  } else if (!target_) {
    handler->OnError(absl::FailedPreconditionError(
        absl::StrCat(method_.interface_name, ".", method_.name,
                     ": called through a proxy that refers to no object")));
  } else {
    target_->Send(std::move(call_), std::move(handler));
  }
}

void ServerCall::Unimplemented() {
  call_.ReturnError(absl::UnimplementedError(absl::StrCat(
      "the object has no method ", call_.method_id(), " of interface 0x",
      absl::Hex(call_.interface_id()))));
}

void ServerCall::ReplyTo(rpc::IncomingCall& call, const absl::Status& status) {
  if (!status.ok()) return call.ReturnError(status);
  call.ReturnResults();
}

void ServerCall::CannotEncode(rpc::IncomingCall& call, const kj::Exception& e) {
  call.ReturnError(absl::InternalError(
      absl::StrCat("the results do not fit into a message: ", e.getDescription().cStr())));
}

}  // namespace drover::object
