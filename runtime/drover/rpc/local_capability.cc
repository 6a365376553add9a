#include "drover/rpc/local_capability.h"

#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {

Dispatcher::Dispatcher() : strand_(base::MakeRef<Strand>()) {}
Dispatcher::~Dispatcher() = default;

base::Ref<LocalCapability> LocalCapability::Of(std::shared_ptr<Dispatcher> dispatcher) {
  if (dispatcher == nullptr) return nullptr;
  Dispatcher& d = *dispatcher;
  base::MutexLock lock(&d.mu_);
  if (d.capability_ != nullptr && d.capability_->TryRef()) {
    return base::Ref<LocalCapability>::Adopt(d.capability_);
  }
  auto capability = base::Ref<LocalCapability>::Adopt(new LocalCapability(std::move(dispatcher)));
  d.capability_ = capability.get();
  return capability;
}

LocalCapability::~LocalCapability() {
  base::MutexLock lock(&dispatcher_->mu_);
  if (dispatcher_->capability_ == this) dispatcher_->capability_ = nullptr;
}

void LocalCapability::Deliver(base::Ref<IncomingCall> call, Deferred& deferred) {
  call->SetServant(base::Ref<LocalCapability>::Share(this));
  if (dispatcher_->IsConcurrent(call->interface_id(), call->method_id())) {
    deferred.Run(call);
  } else if (dispatcher_->strand()->Push({.call = std::move(call), .task = nullptr})) {
    deferred.Run(dispatcher_->strand());
  }
}

}  // namespace drover::rpc
