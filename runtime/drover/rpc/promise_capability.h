// A capability that is not known yet: calls wait in order until it is.
//
// Promises may resolve to promises. A peer decides how long such a chain grows, so it is followed
// and destroyed step by step, never by recursion.
//
// Thread-safe. Resolve at most once; destroying it unresolved fails the calls that wait.
#ifndef DROVER_RPC_PROMISE_CAPABILITY_H_
#define DROVER_RPC_PROMISE_CAPABILITY_H_

#include <utility>
#include <vector>

#include "drover/base/mutex.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {

class PromiseCapability final : public Capability {
 public:
  // `keeper`: what has to live as long as the promise does and is not resolved. It is destroyed
  // with no lock held.
  explicit PromiseCapability(base::Ref<base::RefCounted> keeper = nullptr)
      : Capability(Kind::kPromise), keeper_(std::move(keeper)) {}
  ~PromiseCapability() override;

  // What `capability` stands for by now: itself, unless it is a promise that has resolved. A
  // promise that is returned had not.
  static base::Ref<Capability> Follow(base::Ref<Capability> capability);

  void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) override;
  // Delivers what waits, then passes everything on. A promise that would become itself is broken.
  void Resolve(base::Ref<Capability> target, Deferred& deferred);

 private:
  // What it turned out to be, or null.
  base::Ref<Capability> resolved();

  base::Mutex mu_;
  std::vector<base::Ref<IncomingCall>> waiting_ ABSL_GUARDED_BY(mu_);
  base::Ref<Capability> target_ ABSL_GUARDED_BY(mu_);
  base::Ref<base::RefCounted> keeper_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_PROMISE_CAPABILITY_H_
