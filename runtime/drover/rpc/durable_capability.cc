#include "drover/rpc/durable_capability.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/base/fork_generation.h"
#include "drover/base/status_macros.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/return_handler.h"

namespace drover::rpc {

DurableCapability::DurableCapability(Endpoint endpoint, DurableOptions options)
    : ForwardingCapability(Kind::kDurable),
      endpoint_(std::move(endpoint)),
      options_(options),
      fork_generation_(base::ForkGeneration()),
      retry_budget_(options.retry_tokens, options.retry_token_ratio) {}

DurableCapability::~DurableCapability() {
  if (base::ForkGeneration() != fork_generation_) return;
  if (connection_) connection_->Retire();
}

void DurableCapability::Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) {
  if (base::ForkGeneration() != fork_generation_) {
    handler->OnError(absl::FailedPreconditionError(
        absl::StrCat("the proxy of ", endpoint_.ToString(), " belongs to the parent process")));
    return;
  }
  if (options_.ready.wait) {
    ReadyQueue& queue = Queue();
    queue.Send(base::Ref<ReadySource>::Share(this), std::move(call), std::move(handler));
    return;
  }
  base::Ref<Capability> front = Connected();
  if (!front) {
    absl::StatusOr<base::Ref<Capability>> dialled = Front();
    if (!dialled.ok()) return handler->OnUnreachable(dialled.status());
    front = *std::move(dialled);
  }
  call.TargetFrom(std::move(front))->Send(std::move(call), std::move(handler));
}

void DurableCapability::SendLater(OutgoingCall call, base::Ref<ReturnHandler> handler) {
  runtime().pool().Post([self = base::Ref<DurableCapability>::Share(this), call = std::move(call),
                         handler = std::move(handler)]() mutable {
    async::ThreadPool::NotBusy not_busy(self->runtime().pool());
    async::BlockingScope blocking;
    self->Send(std::move(call), std::move(handler));
  });
}

base::Ref<transport::SharedArena> DurableCapability::arena() const {
  // Somebody may be dialling: the call is built meanwhile, and elsewhere.
  if (base::ForkGeneration() != fork_generation_ || !mu_.TryLock()) return nullptr;
  const base::Ref<Connection> connection = connection_;
  mu_.Unlock();
  return connection ? connection->arena() : nullptr;
}

// Made by the first call: a proxy that nobody uses starts no threads.
ReadyQueue& DurableCapability::Queue() {
  base::MutexLock lock(&mu_);
  if (!ready_queue_) ready_queue_ = base::MakeRef<ReadyQueue>(runtime(), options_.ready);
  return *ready_queue_;
}

Runtime& DurableCapability::runtime() {
  return options_.runtime != nullptr ? *options_.runtime : Runtime::Default();
}

base::Ref<Capability> DurableCapability::Connected() {
  base::Ref<Capability> old_front;  // outlives the lock
  base::MutexLock lock(&mu_);
  if (!connection_ || !connection_->can_send()) return nullptr;
  // Once it is known and nothing is on its way to it, calls go there directly.
  if (PromiseCapability::IsPromise(*front_)) {
    if (base::Ref<Capability> known = PromiseCapability::Follow(front_);
        known != front_ && !known->HasPendingCalls()) {
      old_front = std::exchange(front_, std::move(known));
    }
  }
  return front_;
}

absl::StatusOr<base::Ref<Capability>> DurableCapability::Front() {
  base::Ref<Connection> old;  // outlives the lock
  base::Ref<Capability> old_front;
  base::MutexLock lock(&mu_);
  if (connection_ && connection_->can_send()) return front_;
  old = std::move(connection_);
  old_front = std::move(front_);
  DROVER_RETURN_IF_ERROR(CheckDialable(static_cast<bool>(old)));
  DROVER_ASSIGN_OR_RETURN(std::unique_ptr<transport::ByteStream> stream,
                          transport::Dial(endpoint_, options_.dial));
  return Adopt(std::move(stream));
}

base::Ref<Capability> DurableCapability::Ready() {
  base::MutexLock lock(&mu_);
  return connection_ && connection_->can_send() ? front_ : nullptr;
}

absl::StatusOr<base::Ref<Capability>> DurableCapability::MakeReady() {
  base::Ref<Connection> old;  // outlives the lock
  base::Ref<Capability> old_front;
  {
    base::MutexLock lock(&mu_);
    if (connection_ && connection_->can_send()) return front_;
    old = std::move(connection_);
    old_front = std::move(front_);
  }
  DROVER_RETURN_IF_ERROR(CheckDialable(static_cast<bool>(old)));
  transport::DialOptions dial = options_.dial;
  dial.await_connected = true;  // what is sent on a connection that fails counts as lost
  DROVER_ASSIGN_OR_RETURN(std::unique_ptr<transport::ByteStream> stream,
                          transport::Dial(endpoint_, dial));
  base::MutexLock lock(&mu_);
  return Adopt(std::move(stream));
}

bool DurableCapability::WorthWaiting(const absl::Status& failure) {
  if (endpoint_.scheme() == Endpoint::Scheme::kFd) return false;  // dialled once
  return absl::IsUnavailable(failure) || absl::IsResourceExhausted(failure);
}

absl::Status DurableCapability::CheckDialable(bool again) {
  if (again && endpoint_.scheme() == Endpoint::Scheme::kFd) {
    return absl::UnavailableError(
        absl::StrCat(endpoint_.ToString(),
                     ": the connection on an inherited socket ended, and cannot be made again"));
  }
  return absl::OkStatus();
}

base::Ref<Capability> DurableCapability::Adopt(std::unique_ptr<transport::ByteStream> stream) {
  auto terms = std::make_shared<const ConnectionTerms>(
      ConnectionTerms{.max_frame_bytes = options_.max_frame_bytes,
                      .limits = options_.limits,
                      .liveness = options_.liveness,
                      .hooks = options_.hooks,
                      .shared_memory = {.use = options_.shared_memory}});
  connection_ = Connection::Create(std::move(stream), {.name = endpoint_.ToString(),
                                                       .runtime = options_.runtime,
                                                       .terms = std::move(terms),
                                                       .front_object = nullptr,
                                                       .node = nullptr,
                                                       .owner = nullptr});
  front_ = connection_->Bootstrap();
  connection_->SayHello(*front_);
  if (!endpoint_.name().empty()) front_ = connection_->Lookup(*front_, endpoint_.name());
  return front_;
}

}  // namespace drover::rpc
