#include "drover/async/cancellation.h"

#include <algorithm>

namespace drover::async {

void Cancellation::Cancel() {
  std::vector<std::pair<uint64_t, Task>> hooks;
  {
    base::MutexLock lock(&mu_);
    if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
    for (Parker* parker : waiters_) parker->Unpark();
    hooks.swap(hooks_);
  }
  for (auto& [id, hook] : hooks) hook();
}

void Cancellation::AddWaiter(Parker* parker) {
  base::MutexLock lock(&mu_);
  waiters_.push_back(parker);
  if (cancelled()) parker->Unpark();
}

void Cancellation::RemoveWaiter(Parker* parker) {
  base::MutexLock lock(&mu_);
  auto it = std::find(waiters_.begin(), waiters_.end(), parker);
  if (it != waiters_.end()) waiters_.erase(it);
}

uint64_t Cancellation::AddHook(Task hook) {
  {
    base::MutexLock lock(&mu_);
    if (!cancelled()) {
      hooks_.emplace_back(next_hook_, std::move(hook));
      return next_hook_++;
    }
  }
  hook();
  return 0;
}

void Cancellation::RemoveHook(uint64_t id) {
  Task dropped;  // declared before the lock, so destroyed after it: it may own anything
  base::MutexLock lock(&mu_);
  auto it = std::find_if(hooks_.begin(), hooks_.end(), [id](auto& h) { return h.first == id; });
  if (it == hooks_.end()) return;
  dropped = std::move(it->second);
  hooks_.erase(it);
}

}  // namespace drover::async
