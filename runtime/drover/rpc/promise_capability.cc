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

void PromiseCapability::Send(OutgoingCall call, base::Ref<ReturnHandler> handler) {
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
  if (Capability* target = resolved_.load(std::memory_order_acquire)) {
    target->DeliverEcho(std::move(echo), deferred);
  } else {
    Capability::DeliverEcho(std::move(echo), deferred);
  }
}

void PromiseCapability::Resolve(const base::Ref<Capability>& promised, Deferred& deferred) {
  std::vector<async::Task> observers;
  {
    base::MutexLock resolving(&ResolveLock());
    base::Ref<Capability> target = Follow(promised);
    if (target.get() == this) {
      target =
          BrokenCapability(absl::InvalidArgumentError("a promise that turned out to be itself"));
    }
    base::MutexLock lock(&mu_);
    for (base::Ref<IncomingCall>& call : waiting_) target->Deliver(std::move(call), deferred);
    waiting_.clear();
    observers = std::move(observers_);
    observers_.clear();
    if (keeper_) deferred.Then([keeper = std::move(keeper_)]() mutable { keeper = nullptr; });
    resolved_.store(target.get(), std::memory_order_release);
    target_ = std::move(target);
  }
  for (async::Task& observer : observers) RunBehindCalls(std::move(observer), deferred);
}

bool PromiseCapability::OnResolved(async::Task task) {
  base::MutexLock lock(&mu_);
  if (target_) return false;
  observers_.push_back(std::move(task));
  return true;
}

void PromiseCapability::RunBehindCalls(async::Task task, Deferred& deferred) {
  deferred.Then(std::move(task));
}

}  // namespace drover::rpc
