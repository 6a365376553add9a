// What must be done once a connection's lock is released: user code to run, references to drop,
// other connections to call. Nothing of it happens under the lock.
//
//   Deferred deferred;
//   connection.WithLock([&](ConnectionState& s) { ... deferred.Run(strand); ... });
//   deferred.FinishOnPool();
//
// Thread-compatible. Everything added is done in the order of adding, except that the work to run
// comes last.
#ifndef DROVER_RPC_DEFERRED_H_
#define DROVER_RPC_DEFERRED_H_

#include <utility>

#include "absl/container/inlined_vector.h"
#include "drover/async/executor.h"
#include "drover/base/ref.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/work.h"

namespace drover::async {
class ThreadPool;
}

namespace drover::rpc {

class Deferred {
 public:
  Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  void Run(base::Ref<Work> work) { work_.push_back(std::move(work)); }
  // If it was the last reference to a local object, that is destroyed on the pool.
  void Drop(base::Ref<Capability> capability) {
    if (capability) drops_.push_back(std::move(capability));
  }
  // Never user code.
  void Then(async::Task task) { tasks_.push_back(std::move(task)); }

  bool empty() const { return work_.empty() && drops_.empty() && tasks_.empty(); }

  // Does all but the work.
  void FinishTasks() {
    if (!tasks_.empty() || !drops_.empty()) DoTasks();
  }
  // The work that is left, in order; for the caller to take.
  absl::InlinedVector<base::Ref<Work>, 1>& work() { return work_; }
  // Does everything, the work on the pool.
  void FinishOnPool();

 private:
  void DoTasks();

  absl::InlinedVector<base::Ref<Work>, 1> work_;
  absl::InlinedVector<base::Ref<Capability>, 1> drops_;
  absl::InlinedVector<async::Task, 1> tasks_;
};

// Posts `work` to the pool, or rejects it with ResourceExhausted.
void RunOnPool(base::Ref<Work> work);
// The same for what may not be refused.
void RunOnPoolForSure(base::Ref<Work> work);

}  // namespace drover::rpc

#endif  // DROVER_RPC_DEFERRED_H_
