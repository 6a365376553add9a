// Which of several futures are complete, in the exact order in which they became so.
//
//   auto queue = base::MakeRef<CompletionQueue>();
//   for (size_t i = 0; i < states.size(); ++i) queue->Watch(i, *states[i]);
//   while (std::optional<size_t> i = queue->Next()) Use(states[*i]->Take());
//
// Thread-safe but for Next and Take, which belong to one thread at a time. A future that is watched
// has no other continuation. The futures do not belong to the queue, but each keeps it alive until
// it is complete. Next and Take block, and are safe from a servant.
#ifndef DROVER_GROUP_COMPLETION_QUEUE_H_
#define DROVER_GROUP_COMPLETION_QUEUE_H_

#include <cstddef>
#include <deque>
#include <optional>

#include "drover/async/future_core.h"
#include "drover/async/parker.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"

namespace drover::group {

class CompletionQueue : public base::RefCounted {
 public:
  // Gives `index` to Next once, when `core` is complete.
  void Watch(size_t index, async::FutureCore& core);

  // The next that is complete; waits for it. None if the call whose servant waits here has been
  // cancelled and nothing is there.
  std::optional<size_t> Next();
  // The next that is complete, whatever is cancelled; at least one must be on its way.
  size_t Take();

 private:
  void Add(size_t index);
  std::optional<size_t> Pop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  base::Mutex mu_;
  std::deque<size_t> complete_ ABSL_GUARDED_BY(mu_);
  async::Parker* waiter_ ABSL_GUARDED_BY(mu_) = nullptr;
};

}  // namespace drover::group

#endif  // DROVER_GROUP_COMPLETION_QUEUE_H_
