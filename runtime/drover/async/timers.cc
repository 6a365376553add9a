#include "drover/async/timers.h"

#include "absl/time/clock.h"
#include "drover/async/runtime_thread.h"

namespace drover::async {

uint64_t Timers::Add(absl::Time at, Task task) {
  base::MutexLock lock(&mu_);
  const uint64_t id = next_id_++;
  if (stopping_) return id;
  const auto it = tasks_.emplace(Key{at, id}, std::move(task)).first;
  times_.emplace(id, at);
  if (!thread_.joinable()) {
    thread_ = StartRuntimeThread("drover-timers", [this] { Run(); });
  } else if (it == tasks_.begin()) {
    changed_.Signal();
  }
  return id;
}

void Timers::Remove(uint64_t id) {
  Task dropped;  // outlives the lock: it may own anything
  base::MutexLock lock(&mu_);
  const auto time = times_.find(id);
  if (time == times_.end()) return;
  const auto it = tasks_.find({time->second, id});
  dropped = std::move(it->second);
  tasks_.erase(it);
  times_.erase(time);
}

void Timers::Stop() {
  std::thread thread;
  std::map<Key, Task> dropped;
  {
    base::MutexLock lock(&mu_);
    stopping_ = true;
    dropped.swap(tasks_);
    times_.clear();
    changed_.SignalAll();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

void Timers::Run() {
  for (;;) {
    Task due;
    {
      base::MutexLock lock(&mu_);
      while (!stopping_ && (tasks_.empty() || tasks_.begin()->first.first > absl::Now())) {
        if (tasks_.empty()) {
          changed_.Wait(&mu_);
        } else {
          changed_.WaitUntil(&mu_, tasks_.begin()->first.first);
        }
      }
      if (stopping_) return;
      const auto first = tasks_.begin();
      due = std::move(first->second);
      times_.erase(first->first.second);
      tasks_.erase(first);
    }
    due();
  }
}

}  // namespace drover::async
