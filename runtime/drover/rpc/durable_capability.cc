#include "drover/rpc/durable_capability.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/base/fork_generation.h"
#include "drover/base/status_macros.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/return_handler.h"

namespace drover::rpc {

DurableCapability::DurableCapability(Endpoint endpoint, DurableOptions options)
    : ForwardingCapability(Kind::kDurable),
      endpoint_(std::move(endpoint)),
      options_(options),
      fork_generation_(base::ForkGeneration()) {}

DurableCapability::~DurableCapability() {
  if (base::ForkGeneration() != fork_generation_) return;
  if (connection_) connection_->Retire();
}

void DurableCapability::Send(OutgoingCall call, base::Ref<ReturnHandler> handler) {
  if (base::ForkGeneration() != fork_generation_) {
    handler->OnError(absl::FailedPreconditionError(
        absl::StrCat("the proxy of ", endpoint_.ToString(), " belongs to the parent process")));
    return;
  }
  absl::StatusOr<base::Ref<Capability>> front = Front();
  if (front.ok()) {
    (*front)->Send(std::move(call), std::move(handler));
  } else {
    handler->OnLost(front.status());
  }
}

absl::StatusOr<base::Ref<Capability>> DurableCapability::Front() {
  base::Ref<Connection> old;  // outlives the lock
  base::Ref<Capability> old_front;
  base::MutexLock lock(&mu_);
  if (connection_ && connection_->open()) return front_;
  old = std::move(connection_);
  old_front = std::move(front_);
  if (!endpoint_.name().empty()) {
    return absl::UnimplementedError(
        absl::StrCat(endpoint_.ToString(), ": objects by name are not supported yet"));
  }
  if (old && endpoint_.scheme() == Endpoint::Scheme::kFd) {
    return absl::UnavailableError(
        absl::StrCat(endpoint_.ToString(),
                     ": the connection on an inherited socket ended, and cannot be made again"));
  }
  DROVER_ASSIGN_OR_RETURN(std::unique_ptr<transport::ByteStream> stream,
                          transport::Dial(endpoint_, options_.dial));
  connection_ = Connection::Create(std::move(stream), {.name = endpoint_.ToString(),
                                                       .runtime = options_.runtime,
                                                       .max_frame_bytes = options_.max_frame_bytes,
                                                       .limits = options_.limits,
                                                       .liveness = options_.liveness,
                                                       .front_object = nullptr,
                                                       .on_closed = nullptr});
  front_ = connection_->Bootstrap();
  return front_;
}

}  // namespace drover::rpc
