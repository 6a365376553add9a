// The capabilities inside one result: promises of them before it is there, and what they turned out
// to be.
//
// Thread-safe. Nothing here blocks or throws.
#ifndef DROVER_OBJECT_PROMISED_CAPABILITIES_H_
#define DROVER_OBJECT_PROMISED_CAPABILITIES_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/future_core.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/rpc/call_hooks.h"
#include "drover/rpc/capability.h"

namespace drover {

template <class T>
struct PipelineTraits;

namespace rpc {
class PromiseCapability;
}

namespace object {

// Each capability of a value with the pointer slots that lead to it. Generated code fills it in.
class FoundCapabilities {
 public:
  // The one at the place that has been entered, unless it is null.
  void Add(base::Ref<rpc::Capability> capability);
  // What is inside `field`, at that slot of the place that has been entered.
  template <class T>
  void Enter(uint16_t slot, const T& field) {
    path_.push_back(slot);
    PipelineTraits<T>::Collect(field, *this);
    path_.pop_back();
  }
  // Null if there is none.
  base::Ref<rpc::Capability> Find(const std::vector<uint16_t>& path) const;

 private:
  std::vector<uint16_t> path_;
  std::vector<std::pair<std::vector<uint16_t>, base::Ref<rpc::Capability>>> found_;
};

// Keeps the work of a future going (FutureCore::Hold).
class WorkHold final : public base::RefCounted {
 public:
  explicit WorkHold(base::Ref<async::FutureCore> work) : work_(std::move(work)) { work_->Hold(); }
  ~WorkHold() override { work_->Release(); }

 private:
  const base::Ref<async::FutureCore> work_;
};

class PromisedCapabilities {
 public:
  // Of the connection that the promises may turn out to be behind; null for none. To be set before
  // anybody asks.
  base::Ref<rpc::CallHooks> hooks;

  // Somebody is going to ask. True the first time: the caller sees to it that Settle is called.
  bool Expect();

  // The capability at `path`, or a promise of it, the same one as long as it lives. A promise keeps
  // `work` going, and `owner`, which has this object inside.
  base::Ref<rpc::Capability> At(const std::vector<uint16_t>& path,
                                const base::Ref<async::FutureCore>& work,
                                base::Ref<base::RefCounted> owner);

  // The result is `found`, or an error. Resolves the promises; what waits for them goes its way.
  void Settle(const absl::Status& status, FoundCapabilities found);

 private:
  class Keeper;
  // The promise takes itself off the list before it is destroyed.
  struct Promised {
    std::vector<uint16_t> path;
    rpc::PromiseCapability* promise;
    const Keeper* keeper;
  };

  void Remove(const Keeper* keeper);
  base::Ref<rpc::Capability> Settled(const std::vector<uint16_t>& path) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable base::Mutex mu_;
  bool expected_ ABSL_GUARDED_BY(mu_) = false;
  bool settled_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  FoundCapabilities found_ ABSL_GUARDED_BY(mu_);
  std::vector<Promised> promised_ ABSL_GUARDED_BY(mu_);
};

}  // namespace object
}  // namespace drover

#endif  // DROVER_OBJECT_PROMISED_CAPABILITIES_H_
