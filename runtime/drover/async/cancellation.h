// A request to stop that reaches whatever a piece of work is waiting for.
//
//   base::Ref<Cancellation> cancellation = base::MakeRef<Cancellation>();
//   ...
//   cancellation->Cancel();      // from any thread, once or often
//
// The work sees it by asking cancelled(), by being woken where it waits, or by a hook. Thread-safe.
// Cancel runs the hooks on the calling thread, outside any lock; a hook is run at most once.
#ifndef DROVER_ASYNC_CANCELLATION_H_
#define DROVER_ASYNC_CANCELLATION_H_

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "drover/async/executor.h"
#include "drover/async/parker.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"

namespace drover::async {

class Cancellation : public base::RefCounted {
 public:
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  void Cancel();

  // Wakes `parker` when cancelled (at once if it is already), until RemoveWaiter returns.
  void AddWaiter(Parker* parker);
  void RemoveWaiter(Parker* parker);

  // Runs `hook` when cancelled; at once, on this thread, if it is already. The number unregisters
  // it; 0 means that it has run.
  uint64_t AddHook(Task hook);
  void RemoveHook(uint64_t id);

 private:
  std::atomic<bool> cancelled_{false};
  base::Mutex mu_;
  std::vector<Parker*> waiters_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<uint64_t, Task>> hooks_ ABSL_GUARDED_BY(mu_);
  uint64_t next_hook_ ABSL_GUARDED_BY(mu_) = 1;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_CANCELLATION_H_
