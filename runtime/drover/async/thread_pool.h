// The threads that run user code which does not run inline. The pool never lets work wait behind
// threads that are all blocked: it grows, up to a limit for calls, and past the limit it says no.
// What may not be refused, such as continuations and the reading of connections, has a reserve of
// threads beyond the limit.
//
//   if (!pool.TryPost(task)) return absl::ResourceExhaustedError(...);
//
// Thread-safe. Post and TryPost never block. Threads that were idle for kIdleTimeout end.
#ifndef DROVER_ASYNC_THREAD_POOL_H_
#define DROVER_ASYNC_THREAD_POOL_H_

#include <atomic>
#include <cstdint>
#include <deque>

#include "drover/async/executor.h"
#include "drover/async/monitor.h"
#include "drover/base/mutex.h"

namespace drover::async {

class ThreadPool final : public Executor {
 public:
  explicit ThreadPool(int max_threads);
  ~ThreadPool() override;

  // For work that must be done whatever happens. It is done before calls.
  void Post(Task task) override;

  // For calls. False, with the task untouched, if as many threads as there may be are busy.
  [[nodiscard]] bool TryPost(Task& task);
  // Whether a call would be refused now.
  bool Exhausted() const { return busy_.load(std::memory_order_relaxed) >= max_threads_; }

  // User code that does not run as a task of its own counts as busy from when it is known to take
  // long; a task that is not user code does not count while it lives.
  void AddBusy(int threads) { busy_.fetch_add(threads, std::memory_order_relaxed); }
  class NotBusy {
   public:
    explicit NotBusy(ThreadPool& pool) : pool_(pool) { pool_.AddBusy(-1); }
    ~NotBusy() { pool_.AddBusy(1); }
    NotBusy(const NotBusy&) = delete;
    NotBusy& operator=(const NotBusy&) = delete;

   private:
    ThreadPool& pool_;
  };

  // The calling thread of this pool starts or ends waiting for something. They nest.
  void EnterBlocked();
  void LeaveBlocked();

  // For the monitor: starts a thread if the same work waits since the last tick; returns whether
  // any work waits.
  bool GrowIfStuck();
  bool HasWaitingTasks();

  Monitor& monitor() { return monitor_; }

  // Finishes queued work, ends the threads and waits for them. Not from a thread of the pool.
  void Stop();

 private:
  // Gives the task that was just queued a thread. True if the monitor must be told, after mu_ is
  // released, that work may be waiting.
  [[nodiscard]] bool FindThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The tasks that a thread could begin now.
  size_t Runnable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RunThread();

  const int max_threads_;
  const int parallelism_;
  Monitor monitor_;
  base::Mutex mu_;
  base::CondVar work_;
  base::CondVar ended_;
  std::deque<Task> musts_ ABSL_GUARDED_BY(mu_);
  std::deque<Task> calls_ ABSL_GUARDED_BY(mu_);
  int calling_ ABSL_GUARDED_BY(mu_) = 0;  // threads that run one of calls_, at most max_threads_
  int threads_ ABSL_GUARDED_BY(mu_) = 0;
  int idle_ ABSL_GUARDED_BY(mu_) = 0;
  std::atomic<int> busy_{0};  // threads in user code, for all that is known
  int blocked_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t taken_ ABSL_GUARDED_BY(mu_) = 0;  // tasks taken from the queue so far
  uint64_t taken_at_last_tick_ ABSL_GUARDED_BY(mu_) = 0;
  bool start_failed_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_THREAD_POOL_H_
