#include "drover/rpc/promise_capability.h"

#include <utility>

#include "absl/status/status.h"
#include "drover/rpc/deferred.h"

namespace drover::rpc {
namespace {

// Held while a promise resolves, so that two of them cannot become each other at the same time.
// Taken before the promises' own locks.
base::Mutex& ResolveLock() {
  static base::Mutex* mu = new base::Mutex;  // never destroyed: threads may outlive main
  return *mu;
}

}  // namespace

PromiseCapability::~PromiseCapability() {
  base::Ref<Capability> next;
  {
    base::MutexLock lock(&mu_);
    next = std::move(target_);
  }
  while (next && next->kind() == Kind::kPromise && next->Unshared()) {
    auto& promise = static_cast<PromiseCapability&>(*next);
    base::Ref<Capability> after;
    {
      base::MutexLock lock(&promise.mu_);
      after = std::move(promise.target_);
    }
    next = std::move(after);
  }
}

base::Ref<Capability> PromiseCapability::resolved() {
  base::MutexLock lock(&mu_);
  return target_;
}

base::Ref<Capability> PromiseCapability::Follow(base::Ref<Capability> capability) {
  while (capability && capability->kind() == Kind::kPromise) {
    base::Ref<Capability> target = static_cast<PromiseCapability&>(*capability).resolved();
    if (!target) break;
    capability = std::move(target);
  }
  return capability;
}

void PromiseCapability::Deliver(base::Ref<IncomingCall> call, Deferred& deferred) {
  base::Ref<Capability> target;
  {
    base::MutexLock lock(&mu_);
    if (!target_) {
      waiting_.push_back(std::move(call));
      return;
    }
    target = target_;
  }
  Follow(std::move(target))->Deliver(std::move(call), deferred);
}

void PromiseCapability::Resolve(base::Ref<Capability> target, Deferred& deferred) {
  base::MutexLock resolving(&ResolveLock());
  target = Follow(std::move(target));
  if (target.get() == this) {
    target = BrokenCapability(absl::InvalidArgumentError("a promise that turned out to be itself"));
  }
  base::MutexLock lock(&mu_);
  for (base::Ref<IncomingCall>& call : waiting_) target->Deliver(std::move(call), deferred);
  waiting_.clear();
  target_ = std::move(target);
  if (keeper_) deferred.Then([keeper = std::move(keeper_)]() mutable { keeper = nullptr; });
}

}  // namespace drover::rpc
