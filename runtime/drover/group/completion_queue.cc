#include "drover/group/completion_queue.h"

#include <thread>

#include "absl/time/time.h"
#include "drover/async/cancellable_wait.h"

namespace drover::group {

void CompletionQueue::Watch(size_t index, async::FutureCore& core) {
  core.Observe([self = base::Ref<CompletionQueue>::Share(this), index] { self->Add(index); });
}

void CompletionQueue::Add(size_t index) {
  base::MutexLock lock(&mu_);
  complete_.push_back(index);
  if (waiter_ != nullptr) waiter_->Unpark();
}

std::optional<size_t> CompletionQueue::Pop() {
  if (complete_.empty()) return std::nullopt;
  const size_t index = complete_.front();
  complete_.pop_front();
  return index;
}

std::optional<size_t> CompletionQueue::Next() {
  {
    base::MutexLock lock(&mu_);
    if (std::optional<size_t> index = Pop()) return index;
  }
  async::CancellableWait wait;
  for (;;) {
    {
      base::MutexLock lock(&mu_);
      std::optional<size_t> index = Pop();
      waiter_ = index || wait.cancelled() ? nullptr : &wait.parker();
      if (waiter_ == nullptr) return index;
    }
    wait.parker().Park(absl::InfiniteFuture());
  }
}

size_t CompletionQueue::Take() {
  for (;;) {
    if (std::optional<size_t> index = Next()) return *index;
    // Cancelled, and so without anything to wait on; what is on its way is so for a moment only.
    std::this_thread::yield();
  }
}

}  // namespace drover::group
