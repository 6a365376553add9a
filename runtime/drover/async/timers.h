// Tasks to be run at a time, such as the end of a call whose deadline has passed.
//
//   uint64_t id = timers.Add(deadline, [state] { state->Expire(); });
//   ...
//   timers.Remove(id);          // it was not needed
//
// Thread-safe. Add and Remove never block for long. Tasks run one after the other, at their time or
// soon after, on the thread that has the reactor: they must be quick, may not wait, and are no user
// code. Remove does not wait for a task that has begun.
#ifndef DROVER_ASYNC_TIMERS_H_
#define DROVER_ASYNC_TIMERS_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "drover/async/executor.h"
#include "drover/async/reactor.h"
#include "drover/async/timer_set.h"
#include "drover/async/timer_source.h"
#include "drover/base/mutex.h"

namespace drover::async {

class Timers final : public EventHandler, public TimerSource {
 public:
  explicit Timers(Reactor& reactor) : reactor_(reactor) {}

  // Never 0.
  uint64_t Add(absl::Time at, Task task);

  absl::Duration Now() const override;
  uint64_t AddAfter(absl::Duration delay, Task task) override;
  void Remove(uint64_t id) override;

  // Drops what is left. Before the reactor goes.
  void Stop();

  void OnReady(uint32_t) override {}
  void OnTimer() override;
  void HandOver() override {}

 private:
  // Sees to it that OnTimer is called at `when`.
  void Arm(int64_t when) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Reactor& reactor_;
  base::Mutex mu_;
  uint64_t registered_ ABSL_GUARDED_BY(mu_) = 0;  // at the reactor, since the first Add
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  TimerSet order_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<uint64_t, Task> tasks_ ABSL_GUARDED_BY(mu_);
  int64_t armed_ ABSL_GUARDED_BY(mu_) = TimerSet::kNever;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_TIMERS_H_
