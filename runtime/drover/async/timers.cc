#include "drover/async/timers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "drover/async/steady_clock.h"

namespace drover::async {
namespace {

// Longer than any process lives, and far from the end of the scale.
constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 50);

}  // namespace

absl::Duration Timers::Now() const { return absl::Nanoseconds(SteadyNanos()); }

uint64_t Timers::Add(absl::Time at, Task task) {
  return AddAfter(at - absl::Now(), std::move(task));
}

uint64_t Timers::AddAfter(absl::Duration delay, Task task) {
  const absl::Duration left = std::clamp(delay, absl::ZeroDuration(), kLongest);
  const int64_t when = SteadyNanos() + absl::ToInt64Nanoseconds(left);
  base::MutexLock lock(&mu_);
  const uint64_t id = next_id_++;
  if (stopped_) return id;
  if (registered_ == 0) registered_ = reactor_.Register(base::Ref<Timers>::Share(this));
  tasks_.emplace(id, std::move(task));
  order_.Add(id, when);
  Arm(when);
  return id;
}

// One that is armed too soon, for a task that was removed, looks once in vain: calls that are
// answered in time do not wake the reactor.
void Timers::Arm(int64_t when) {
  if (when >= armed_) return;
  armed_ = when;
  reactor_.CallAt(registered_, when);
}

void Timers::Remove(uint64_t id) {
  Task dropped;  // outlives the lock: it may own anything
  base::MutexLock lock(&mu_);
  const auto it = tasks_.find(id);
  if (it == tasks_.end()) return;
  dropped = std::move(it->second);
  tasks_.erase(it);
  order_.Remove(id);
}

void Timers::Stop() {
  absl::flat_hash_map<uint64_t, Task> dropped;
  base::MutexLock lock(&mu_);
  stopped_ = true;
  dropped.swap(tasks_);
  if (registered_ != 0) reactor_.Unregister(registered_);
}

void Timers::OnTimer() {
  std::vector<Task> due;
  {
    base::MutexLock lock(&mu_);
    if (stopped_) return;
    for (uint64_t id : order_.TakeDue(SteadyNanos())) {
      const auto it = tasks_.find(id);
      due.push_back(std::move(it->second));
      tasks_.erase(it);
    }
    armed_ = TimerSet::kNever;
    if (order_.Soonest() != TimerSet::kNever) Arm(order_.Soonest());
  }
  for (Task& task : due) task();
}

}  // namespace drover::async
