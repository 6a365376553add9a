#include "drover/async/thread_pool.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "drover/async/cpu.h"
#include "drover/async/runtime_thread.h"
#include "drover/async/thread_context.h"

namespace drover::async {
namespace {

constexpr absl::Duration kIdleTimeout = absl::Seconds(10);
constexpr int kReserve = 16;

}  // namespace

ThreadPool::ThreadPool(int max_threads)
    : max_threads_(max_threads), parallelism_(std::max(2, AvailableCpus())), monitor_(this) {}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Post(Task task) {
  bool waits;
  {
    base::MutexLock lock(&mu_);
    waits = Enqueue(std::move(task));
  }
  if (waits) monitor_.NoteWork();
}

bool ThreadPool::TryPost(Task& task) {
  bool waits;
  {
    base::MutexLock lock(&mu_);
    if (Exhausted()) return false;
    waits = Enqueue(std::move(task));
  }
  if (waits) monitor_.NoteWork();
  return true;
}

bool ThreadPool::Enqueue(Task task) {
  queue_.push_back(std::move(task));
  if (idle_ >= static_cast<int>(queue_.size())) {
    work_.Signal();
    return false;
  }
  if (threads_ - blocked_ < parallelism_ && threads_ < max_threads_ + kReserve) {
    StartThread();
    return false;
  }
  return true;
}

void ThreadPool::StartThread() {
  ++threads_;
  StartRuntimeThread("drover-pool", [this] { RunThread(); }).detach();
}

void ThreadPool::EnterBlocked() {
  if (ThreadContext::Current().blocked_depth++ > 0) return;
  base::MutexLock lock(&mu_);
  ++blocked_;
  if (!queue_.empty() && idle_ == 0 && threads_ - blocked_ < parallelism_ &&
      threads_ < max_threads_ + kReserve) {
    StartThread();
  }
}

void ThreadPool::LeaveBlocked() {
  if (--ThreadContext::Current().blocked_depth > 0) return;
  base::MutexLock lock(&mu_);
  --blocked_;
}

bool ThreadPool::GrowIfStuck() {
  base::MutexLock lock(&mu_);
  if (queue_.empty()) return false;
  if (taken_ == taken_at_last_tick_ && threads_ < max_threads_) StartThread();
  taken_at_last_tick_ = taken_;
  return true;
}

bool ThreadPool::HasWaitingTasks() {
  base::MutexLock lock(&mu_);
  return !queue_.empty();
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
    while (queue_.empty() && !stopping_ && !timed_out) timed_out = work_.WaitUntil(&mu_, give_up);
    --idle_;
    if (queue_.empty()) break;
    Task task = std::move(queue_.front());
    queue_.pop_front();
    ++taken_;
    mu_.Unlock();
    busy_.fetch_add(1, std::memory_order_relaxed);
    task();
    task = nullptr;
    busy_.fetch_sub(1, std::memory_order_relaxed);
    mu_.Lock();
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
