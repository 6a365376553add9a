// A capability that is not known yet. Calls wait in order until it is; those of a promise that a
// peer knows more about (remote_promise.h) travel on to it meanwhile.
//
//   auto promise = base::MakeRef<PromiseCapability>();
//   ...
//   promise->Resolve(object, deferred);      // delivers what waits, then passes everything on
//
// Promises may resolve to promises. A peer decides how long such a chain grows, so it is followed
// and destroyed step by step, never by recursion.
//
// Thread-safe. Resolve at most once; destroying it unresolved fails the calls that wait.
#ifndef DROVER_RPC_PROMISE_CAPABILITY_H_
#define DROVER_RPC_PROMISE_CAPABILITY_H_

#include <atomic>
#include <utility>
#include <vector>

#include "drover/async/executor.h"
#include "drover/base/mutex.h"
#include "drover/rpc/call_hooks.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {

class PromiseCapability : public Capability {
 public:
  // `keeper`: what has to live as long as the promise does and is not resolved. It is destroyed
  // with no lock held. `hooks`: of the connection that it may turn out to be behind, or null.
  explicit PromiseCapability(base::Ref<base::RefCounted> keeper = nullptr,
                             base::Ref<CallHooks> hooks = nullptr);
  ~PromiseCapability() override;

  static bool IsPromise(const Capability& capability) {
    return capability.kind() == Kind::kPromise || capability.kind() == Kind::kRemotePromise;
  }
  // What `capability` stands for by now: itself, unless it is a promise that has resolved, and to
  // which no call is on its way any more that would be overtaken. A promise that is returned had
  // not.
  static base::Ref<Capability> Follow(const base::Ref<Capability>& capability);

  void Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) override;
  void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) override;
  void DeliverEcho(Echo echo, Deferred& deferred) override;
  CallHooks* hooks() const final;

  // A promise that would become itself is broken. No lock of a connection is needed to let go of
  // `target`: the caller keeps it until there is none held.
  void Resolve(const base::Ref<Capability>& target, Deferred& deferred);
  // Runs `task`, not user code, once Follow leads past the promise. False, with nothing done, if it
  // does already.
  bool OnResolved(async::Task task);

 protected:
  explicit PromiseCapability(Kind kind);

  // Asked when it is known what it is: runs `task` on any thread, no lock held, once all calls that
  // were delivered so far have been passed on, and further ones are at once. False, with nothing
  // done, if that is so now.
  virtual bool WaitForCalls(async::Task& /*task*/) { return false; }
  // What it is, if that is known; else null.
  base::Ref<Capability> target();

 private:
  void Publish(Deferred& deferred);
  static const Capability* End(const Capability* at);
  // While it is not resolved.
  virtual CallHooks* OwnHooks() const;

  const base::Ref<CallHooks> hooks_;
  base::Mutex mu_;
  std::vector<base::Ref<IncomingCall>> waiting_ ABSL_GUARDED_BY(mu_);
  std::vector<async::Task> observers_ ABSL_GUARDED_BY(mu_);
  base::Ref<Capability> target_ ABSL_GUARDED_BY(mu_);
  base::Ref<base::RefCounted> keeper_ ABSL_GUARDED_BY(mu_);
  std::atomic<Capability*> resolved_{nullptr};  // target_, once it is published; changes no more
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_PROMISE_CAPABILITY_H_
