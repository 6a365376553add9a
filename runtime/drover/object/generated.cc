#include "drover/object/generated.h"

#include <utility>

#include "drover/base/status_macros.h"
#include "drover/object/outgoing_metadata.h"
#include "drover/object/stream_window.h"

namespace drover::object {

void ClientCall::Tell(CallBinding* binding) {
  absl::StatusOr<rpc::CallMetadataPtr> metadata = MetadataForCall(options_.get());
  if (!metadata.ok()) {
    if (error_.ok()) error_ = metadata.status();
    return;
  }
  if (*metadata == nullptr) return;
  if (binding != nullptr && (*metadata)->deadline != absl::InfiniteFuture()) {
    binding->SetDeadline((*metadata)->deadline,
                         absl::StrCat(method_.interface_name, ".", method_.name));
  }
  call_.set_metadata(*std::move(metadata));
}

absl::Status ClientCall::Problem() const {
  const auto name = [this] { return absl::StrCat(method_.interface_name, ".", method_.name); };
  if (!error_.ok()) {
    return absl::Status(error_.code(), absl::StrCat(name(), ": ", error_.message()));
  }
  if (!target_) {
    return absl::FailedPreconditionError(
        absl::StrCat(name(), ": called through a proxy that refers to no object"));
  }
  return absl::OkStatus();
}

void ClientCall::Send(base::Ref<rpc::ReturnHandler> handler) {
  if (const absl::Status problem = Problem(); !problem.ok()) {
    handler->OnError(problem);
  } else {
    target_->Send(std::move(call_), std::move(handler));
  }
}

absl::Status ClientCall::Stream() && {
  Tell(nullptr);
  DROVER_RETURN_IF_ERROR(Problem());
  return StreamWindow::Of(*target_).Write(*target_, method_, std::move(call_));
}

Future<void> ClientCall::StartStream() && {
  Tell(nullptr);
  DROVER_RETURN_IF_ERROR(Problem());
  return StreamWindow::Of(*target_).WriteAsync(*target_, method_, std::move(call_));
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
