#include "drover/rpc/promise_capability.h"

#include <utility>

#include "absl/status/status.h"
#include "drover/rpc/call_hooks.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/outgoing_call.h"

namespace drover::rpc {
namespace {

// Held while a promise resolves, so that two of them cannot become each other at the same time.
// Taken before the promises' own locks.
base::Mutex& ResolveLock() {
  static base::Mutex* mu = new base::Mutex;  // never destroyed: threads may outlive main
  return *mu;
}

}  // namespace

PromiseCapability::PromiseCapability(base::Ref<base::RefCounted> keeper, base::Ref<CallHooks> hooks)
    : Capability(Kind::kPromise), hooks_(std::move(hooks)), keeper_(std::move(keeper)) {}

PromiseCapability::PromiseCapability(Kind kind) : Capability(kind) {}

PromiseCapability::~PromiseCapability() {
  base::Ref<Capability> next;
  {
    base::MutexLock lock(&mu_);
    next = std::move(target_);
  }
  while (next && IsPromise(*next) && next->Unshared()) {
    auto& promise = static_cast<PromiseCapability&>(*next);
    base::Ref<Capability> after;
    {
      base::MutexLock lock(&promise.mu_);
      after = std::move(promise.target_);
    }
    next = std::move(after);
  }
}

// Each is kept alive by the one before it.
const Capability* PromiseCapability::End(const Capability* at) {
  while (at != nullptr && IsPromise(*at)) {
    const Capability* next =
        static_cast<const PromiseCapability*>(at)->resolved_.load(std::memory_order_acquire);
    if (next == nullptr) break;
    at = next;
  }
  return at;
}

base::Ref<Capability> PromiseCapability::Follow(const base::Ref<Capability>& capability) {
  return base::Ref<Capability>::Share(const_cast<Capability*>(End(capability.get())));
}

CallHooks* PromiseCapability::hooks() const {
  const Capability* end = End(this);
  return IsPromise(*end) ? static_cast<const PromiseCapability*>(end)->OwnHooks() : end->hooks();
}

CallHooks* PromiseCapability::OwnHooks() const { return hooks_.get(); }

void PromiseCapability::Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) {
  const base::Ref<Capability> target = Follow(base::Ref<Capability>::Share(this));
  if (target.get() != this && !target->HasPendingCalls()) {
    target->Send(std::move(call), std::move(handler));
    return;
  }
  // Behind the calls that are on their way already.
  Deferred deferred;
  PromiseCapability::Deliver(
      IncomingCall::FromLocal(std::move(call), base::Ref<Capability>::Share(this),
                              std::move(handler)),
      deferred);
  deferred.FinishOnPool();
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
  target->Deliver(std::move(call), deferred);
}

void PromiseCapability::DeliverEcho(Echo echo, Deferred& deferred) {
  // Nobody is told that a promise has resolved before it has, so nobody can ask for this earlier.
  if (base::Ref<Capability> at = target()) {
    at->DeliverEcho(std::move(echo), deferred);
    deferred.Drop(std::move(at));
  } else {
    Capability::DeliverEcho(std::move(echo), deferred);
  }
}

base::Ref<Capability> PromiseCapability::target() {
  base::MutexLock lock(&mu_);
  return target_;
}

void PromiseCapability::Resolve(const base::Ref<Capability>& promised, Deferred& deferred) {
  {
    base::MutexLock resolving(&ResolveLock());
    base::Ref<Capability> target = Follow(promised);
    base::Ref<Capability> end = target;
    while (end && end.get() != this && IsPromise(*end)) {
      base::Ref<Capability> next = static_cast<PromiseCapability&>(*end).target();
      if (!next) break;
      deferred.Drop(std::exchange(end, std::move(next)));
    }
    if (end.get() == this) {
      target =
          BrokenCapability(absl::InvalidArgumentError("a promise that turned out to be itself"));
    }
    deferred.Drop(std::move(end));
    base::MutexLock lock(&mu_);
    for (base::Ref<IncomingCall>& call : waiting_) target->Deliver(std::move(call), deferred);
    waiting_.clear();
    if (keeper_) deferred.Then([keeper = std::move(keeper_)]() mutable { keeper = nullptr; });
    target_ = std::move(target);
  }
  async::Task publish = [self = base::Ref<PromiseCapability>::Share(this)] {
    Deferred later;
    self->Publish(later);
    later.FinishOnPool();
  };
  if (!WaitForCalls(publish)) Publish(deferred);
}

// What follows the promise from now on reaches the target behind all that went through it.
void PromiseCapability::Publish(Deferred& deferred) {
  std::vector<async::Task> observers;
  {
    base::MutexLock lock(&mu_);
    observers = std::move(observers_);
    observers_.clear();
    resolved_.store(target_.get(), std::memory_order_release);
  }
  for (async::Task& observer : observers) deferred.Then(std::move(observer));
}

bool PromiseCapability::OnResolved(async::Task task) {
  base::MutexLock lock(&mu_);
  if (resolved_.load(std::memory_order_relaxed) != nullptr) return false;
  observers_.push_back(std::move(task));
  return true;
}

}  // namespace drover::rpc
