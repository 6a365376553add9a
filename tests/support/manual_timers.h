// Time that stands still until the test lets it pass.
//
//   auto time = std::make_shared<ManualTimers>();
//   Lease<CookProxy> lease(cook, {.duration = absl::Minutes(5), .timers = time});
//   time->Advance(absl::Minutes(5));           // runs what is due, in order, on this thread
//
// Thread-safe.
#ifndef DROVER_TESTS_SUPPORT_MANUAL_TIMERS_H_
#define DROVER_TESTS_SUPPORT_MANUAL_TIMERS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "drover/async/timer_source.h"
#include "drover/base/mutex.h"

namespace drover::testing_support {

class ManualTimers final : public async::TimerSource {
 public:
  absl::Duration Now() const override {
    base::MutexLock lock(&mu_);
    return now_;
  }
  uint64_t AddAfter(absl::Duration delay, async::Task task) override {
    base::MutexLock lock(&mu_);
    const uint64_t id = next_id_++;
    tasks_.emplace(std::make_pair(now_ + delay, id), std::move(task));
    return id;
  }
  void Remove(uint64_t id) override {
    async::Task dropped;  // outlives the lock
    base::MutexLock lock(&mu_);
    for (auto it = tasks_.begin(); it != tasks_.end(); ++it) {
      if (it->first.second != id) continue;
      dropped = std::move(it->second);
      tasks_.erase(it);
      return;
    }
  }

  void Advance(absl::Duration span) {
    const absl::Duration until = Now() + span;
    for (;;) {
      async::Task task;
      {
        base::MutexLock lock(&mu_);
        if (tasks_.empty() || tasks_.begin()->first.first > until) {
          now_ = until;
          return;
        }
        now_ = std::max(now_, tasks_.begin()->first.first);
        task = std::move(tasks_.begin()->second);
        tasks_.erase(tasks_.begin());
      }
      task();
    }
  }
  // Time passes, and what is due comes late: with the next Advance.
  void PassUnnoticed(absl::Duration span) {
    base::MutexLock lock(&mu_);
    now_ += span;
  }
  // Tasks that wait.
  size_t pending() const {
    base::MutexLock lock(&mu_);
    return tasks_.size();
  }

 private:
  mutable base::Mutex mu_;
  absl::Duration now_ ABSL_GUARDED_BY(mu_) = absl::Hours(1);
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<std::pair<absl::Duration, uint64_t>, async::Task> tasks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_MANUAL_TIMERS_H_
