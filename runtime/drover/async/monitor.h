// Notices user code that runs inline and does not come back, and work that waits for a thread
// behind such code: every tick it hands over the batons of a run that it has seen before, and lets
// the pool grow. A tick is about 200 us, and up to 1 ms while many inline calls come and go. It
// sleeps when no inline call has run for some ticks.
//
// Thread-safe. NoteWork costs one load while the monitor is awake.
#ifndef DROVER_ASYNC_MONITOR_H_
#define DROVER_ASYNC_MONITOR_H_

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "drover/base/mutex.h"

namespace drover::async {

class InlineSlot;
class ThreadPool;

class Monitor {
 public:
  explicit Monitor(ThreadPool* pool) : pool_(pool) {}
  ~Monitor() { Stop(); }
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  void Register(InlineSlot* slot);
  void Unregister(InlineSlot* slot);

  // An inline run began, or work was queued that no thread was free for.
  void NoteWork() {
    if (!awake_.load(std::memory_order_seq_cst)) WakeUp();
  }

  void Stop();

  ThreadPool& pool() { return *pool_; }

 private:
  struct Watched {
    InlineSlot* slot;
    uint64_t seen_run;
  };

  void WakeUp();
  void Run();
  // Hands over what has run for a whole tick; returns whether anything is running at all.
  bool Scan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  ThreadPool* const pool_;
  std::atomic<bool> awake_{false};
  base::Mutex mu_;
  base::CondVar cv_;
  std::vector<Watched> slots_ ABSL_GUARDED_BY(mu_);
  absl::Duration tick_ ABSL_GUARDED_BY(mu_);  // until the next look
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool start_failed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_MONITOR_H_
