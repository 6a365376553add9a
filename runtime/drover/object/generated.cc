#include "drover/object/generated.h"

#include <optional>
#include <utility>

#include "drover/async/runtime.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/object/outgoing_metadata.h"
#include "drover/object/stream_window.h"
#include "drover/transport/shared_arena.h"

namespace drover::object {
namespace {

// Whether this thread runs a servant's code: its calls inherit something.
bool Serving() { return async::ThreadContext::Current().cancellation != nullptr; }

}  // namespace

void ClientCall::Intercept(CallOptions& options) {
  error_ =
      hooks_->BeforeCall(absl::StrCat(method_.interface_name, ".", method_.name), options, done_);
}

void ClientCall::RunDoneOnPool(std::shared_ptr<DoneList> done, absl::Status status) {
  Runtime::Default().pool().Post(
      [done = std::move(done), status = std::move(status)] { done->Run(status); });
}

void ClientCall::Tell(CallBinding* binding) {
  rpc::CallHooks* hooks = target_ != nullptr ? target_->hooks() : nullptr;
  if (hooks != nullptr || options_ != nullptr || Serving()) TellMore(binding, hooks);
}

void ClientCall::TellMore(CallBinding* binding, rpc::CallHooks* hooks) {
  const CallOptions* options = options_;
  std::optional<CallOptions> changed;
  if (auto* interceptors = dynamic_cast<ClientHooks*>(hooks); interceptors && error_.ok()) {
    if (!kept_) kept_ = Proxy::FromCapability(base::Ref<rpc::Capability>::Share(target_));
    hooks_ = base::Ref<ClientHooks>::Share(interceptors);
    changed = options != nullptr ? *options : CallOptions{};
    Intercept(*changed);
    options = &*changed;
  }
  absl::StatusOr<rpc::CallMetadataPtr> metadata = MetadataForCall(options, call_.one_way);
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
  if (target_ == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(name(), ": called through a proxy that refers to no object"));
  }
  return absl::OkStatus();
}

capnp::AnyPointer::Builder ClientCall::Params() {
  if (target_ != nullptr && transport::SharedArena::InUse()) call_.BuildIn(target_->arena());
  return call_.params();
}

void ClientCall::Send(base::Ref<rpc::ReturnHandler> handler) {
  if (error_.ok() && target_ != nullptr) {
    target_->Send(std::move(call_), std::move(handler));
  } else {
    handler->OnError(Problem());
  }
}

absl::Status ClientCall::Stream() && {
  Tell(nullptr);
  if (absl::Status problem = Problem(); !problem.ok()) {
    if (done_) done_->Run(problem);
    return problem;
  }
  return StreamWindow::Of(*target_).Write(*target_, method_, std::move(call_), TakeDone());
}

Future<void> ClientCall::StartStream() && {
  Tell(nullptr);
  if (absl::Status problem = Problem(); !problem.ok()) {
    if (done_) done_->Run(problem);
    return problem;
  }
  return StreamWindow::Of(*target_).WriteAsync(*target_, method_, std::move(call_), TakeDone());
}

// Streams call it on a thread that drives I/O.
std::function<void(const absl::Status&)> ClientCall::TakeDone() {
  if (!done_) return nullptr;
  return [done = std::shared_ptr<DoneList>(std::move(done_))](const absl::Status& status) {
    RunDoneOnPool(done, status);
  };
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
