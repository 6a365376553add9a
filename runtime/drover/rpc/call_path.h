// Keeps calls together: all that share a path go to the capability that the first of them went to,
// even once that is lost. A stream has one, so that a proxy which dials again does not send the
// rest of it, after a gap, to whoever answers then.
//
//   call.path = path;                            // the same one for each call
//   call.TargetFrom(front)->Send(std::move(call), handler);
//
// Thread-safe.
#ifndef DROVER_RPC_CALL_PATH_H_
#define DROVER_RPC_CALL_PATH_H_

#include <utility>

#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/rpc/capability.h"

namespace drover::rpc {

class CallPath final : public base::RefCounted {
 public:
  // `current` the first time; then what that was.
  base::Ref<Capability> From(base::Ref<Capability> current) {
    base::MutexLock lock(&mu_);
    if (!first_) first_ = std::move(current);
    return first_;
  }

 private:
  base::Mutex mu_;
  base::Ref<Capability> first_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_CALL_PATH_H_
