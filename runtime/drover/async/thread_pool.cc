#include "drover/async/thread_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "drover/async/cpu.h"
#include "drover/async/runtime_thread.h"
#include "drover/async/thread_context.h"
#include "drover/base/log.h"

namespace drover::async {
namespace {

constexpr absl::Duration kIdleTimeout = absl::Seconds(10);
// Beyond the limit: the reactor, dedicated readers, continuations.
constexpr int kReserve = 48;

}  // namespace

ThreadPool::ThreadPool(int max_threads)
    : max_threads_(max_threads), parallelism_(std::max(2, AvailableCpus())), monitor_(this) {}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Post(Task task) {
  bool waits;
  {
    base::MutexLock lock(&mu_);
    musts_.push_back(std::move(task));
    waits = FindThread();
  }
  if (waits) monitor_.NoteWork();
}

bool ThreadPool::TryPost(Task& task) {
  bool waits;
  {
    base::MutexLock lock(&mu_);
    if (Exhausted()) return false;
    calls_.push_back(std::move(task));
    waits = FindThread();
  }
  if (waits) monitor_.NoteWork();
  return true;
}

size_t ThreadPool::Runnable() {
  const size_t free = max_threads_ - calling_;
  return musts_.size() + std::min(calls_.size(), free);
}

bool ThreadPool::FindThread() {
  const size_t runnable = Runnable();
  if (static_cast<size_t>(idle_) >= runnable) {
    if (runnable > 0) work_.Signal();
    return false;  // what is not runnable waits for the end of a call, which looks for more
  }
  return threads_ - blocked_ >= parallelism_ || !StartThread();
}

bool ThreadPool::StartThread() {
  // Calls take at most max_threads_ of them: the rest is for what may not be refused.
  if (threads_ >= max_threads_ + kReserve) return false;
  ++threads_;
  try {
    StartRuntimeThread("drover-pool", [this] { RunThread(); }).detach();
    start_failed_ = false;
    return true;
  } catch (const std::system_error& e) {
    --threads_;
    if (!std::exchange(start_failed_, true)) {
      DROVER_LOG(kError) << "cannot start another thread beside " << threads_ << ": " << e.what();
    }
    return false;
  }
}

void ThreadPool::EnterBlocked() {
  if (ThreadContext::Current().blocked_depth++ > 0) return;
  base::MutexLock lock(&mu_);
  ++blocked_;
  if (Runnable() > static_cast<size_t>(idle_) && threads_ - blocked_ < parallelism_) StartThread();
}

void ThreadPool::LeaveBlocked() {
  if (--ThreadContext::Current().blocked_depth > 0) return;
  base::MutexLock lock(&mu_);
  --blocked_;
}

bool ThreadPool::GrowIfStuck() {
  base::MutexLock lock(&mu_);
  const size_t runnable = Runnable();
  if (runnable == 0) return false;
  // Idle threads that have been woken may take longer than a tick to come, on a busy machine.
  if (taken_ == taken_at_last_tick_ && runnable > static_cast<size_t>(idle_)) StartThread();
  taken_at_last_tick_ = taken_;
  return true;
}

bool ThreadPool::HasWaitingTasks() {
  base::MutexLock lock(&mu_);
  return Runnable() > 0;
}

void ThreadPool::RunThread() {
  InlineSlot slot(&monitor_);
  monitor_.Register(&slot);
  ThreadContext& context = ThreadContext::Current();
  context.slot = &slot;
  context.pool = this;
  mu_.Lock();
  for (;;) {
    const absl::Time give_up = absl::Now() + kIdleTimeout;
    bool timed_out = false;
    ++idle_;
    while (Runnable() == 0 && !stopping_ && !timed_out) timed_out = work_.WaitUntil(&mu_, give_up);
    --idle_;
    if (Runnable() == 0) break;
    const bool call = musts_.empty();
    std::deque<Task>& queue = call ? calls_ : musts_;
    Task task = std::move(queue.front());
    queue.pop_front();
    ++taken_;
    calling_ += call;
    mu_.Unlock();
    AddBusy(1);
    task();
    task = nullptr;
    AddBusy(-1);
    mu_.Lock();
    calling_ -= call;
  }
  mu_.Unlock();
  monitor_.Unregister(&slot);
  mu_.Lock();
  if (--threads_ == 0) ended_.SignalAll();
  mu_.Unlock();
}

void ThreadPool::Stop() {
  {
    base::MutexLock lock(&mu_);
    stopping_ = true;
    work_.SignalAll();
    while (threads_ > 0) ended_.Wait(&mu_);
  }
  monitor_.Stop();
}

}  // namespace drover::async
