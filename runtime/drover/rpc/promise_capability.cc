#include "drover/rpc/promise_capability.h"

#include <utility>

namespace drover::rpc {

void PromiseCapability::Deliver(base::Ref<IncomingCall> call, Deferred& deferred) {
  base::MutexLock lock(&mu_);
  if (target_) {
    target_->Deliver(std::move(call), deferred);
  } else {
    waiting_.push_back(std::move(call));
  }
}

void PromiseCapability::Resolve(base::Ref<Capability> target, Deferred& deferred) {
  base::MutexLock lock(&mu_);
  for (base::Ref<IncomingCall>& call : waiting_) target->Deliver(std::move(call), deferred);
  waiting_.clear();
  target_ = std::move(target);
}

base::Ref<Capability> PromiseCapability::resolved() {
  base::MutexLock lock(&mu_);
  return target_;
}

}  // namespace drover::rpc
