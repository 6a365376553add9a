// A reference to an object that does not keep it, nor this process's reference to it, alive.
//
//   base::Ref<WeakReference> weak = WeakReference::To(capability);
//   if (base::Ref<Capability> strong = weak->Lock()) ...
//   Future<void> died = weak->AwaitEnd();
//
// An object of this process lives as long as its servant does, whoever keeps that: a proxy anywhere
// or the program itself. Of any other one only the references of this process are known, and
// whether calls through them can still arrive: see object/weak_proxy.h for what ends it.
//
// Thread-safe; nothing blocks or runs user code, except that what Lock gives may turn out to be the
// last reference.
#ifndef DROVER_RPC_WEAK_REFERENCE_H_
#define DROVER_RPC_WEAK_REFERENCE_H_

#include <memory>

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/life.h"

namespace drover::rpc {

class Dispatcher;
class LocalCapability;

class WeakReference final : public base::RefCounted {
 public:
  static base::Ref<WeakReference> To(const base::Ref<Capability>& capability);

  // For Capability: the one of `capability`, which is no object of this process.
  explicit WeakReference(Capability* capability);
  // For To: others that are not kept with their capability.
  explicit WeakReference(LocalCapability& local);
  explicit WeakReference(const absl::Status& broken);

  // Null once it is dead.
  base::Ref<Capability> Lock();
  bool dead();
  // Completes with why it died.
  Future<void> AwaitEnd();

  // For whoever learns that the capability leads nowhere any more, and why.
  Life& life() { return *life_; }
  // For Capability: it is being destroyed.
  void Gone();

 private:
  // Of a promise, once it has resolved.
  void Follow();
  base::Ref<WeakReference> Next();

  const Capability::Kind kind_;
  const base::Ref<Life> life_;
  const std::weak_ptr<Dispatcher> servant_;  // of an object of this process
  base::Mutex mu_;
  bool watching_ ABSL_GUARDED_BY(mu_) = false;  // what ends it has been seen to
  Capability* capability_ ABSL_GUARDED_BY(mu_) = nullptr;
  base::Ref<WeakReference> next_ ABSL_GUARDED_BY(mu_);  // what a promise turned out to be

  void Watch(const base::Ref<Capability>& capability);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_WEAK_REFERENCE_H_
