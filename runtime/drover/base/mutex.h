// A mutex and a condition variable with thread-safety annotations, over futexes.
//
// Nothing else in Drover uses a lock directly. Why not Abseil's, nor the standard library's:
// docs/decisions/mutex.md.
//
//   base::Mutex mu;
//   int count ABSL_GUARDED_BY(mu) = 0;
//   { base::MutexLock lock(&mu); ++count; }
//
// Thread-safe. Lock() and the waits of CondVar block. Of this process only: they mean nothing in
// memory that processes share.
#ifndef DROVER_BASE_MUTEX_H_
#define DROVER_BASE_MUTEX_H_

#include <time.h>

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "drover/base/sanitizer.h"

#ifdef DROVER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace drover::base {

// The second mutex of Ulrich Drepper, "Futexes Are Tricky", 2011: a lock that nobody else wants
// costs one atomic operation, and so does its release.
class ABSL_LOCKABLE Mutex {
 public:
  constexpr Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
#ifdef DROVER_TSAN
  // ThreadSanitizer is told that it is a lock, so that it finds inversions.
  ~Mutex() { __tsan_mutex_destroy(this, 0); }

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    __tsan_mutex_pre_lock(this, 0);
    if (!TryAcquire()) LockContended();
    __tsan_mutex_post_lock(this, 0, 0);
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    __tsan_mutex_pre_unlock(this, 0);
    Release();
    __tsan_mutex_post_unlock(this, 0);
  }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    __tsan_mutex_pre_lock(this, __tsan_mutex_try_lock);
    const bool locked = TryAcquire();
    __tsan_mutex_post_lock(this,
                           __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
    return locked;
  }
#else

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    if (!TryAcquire()) LockContended();
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { Release(); }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return TryAcquire(); }
#endif
  // Tells the analysis that the lock is held where it cannot see that; checks nothing.
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() {}

 private:
  // kContended: whoever unlocks it must wake one of those that sleep.
  enum State : uint32_t { kFree, kLocked, kContended };

  bool TryAcquire() {
    uint32_t free = kFree;
    return state_.compare_exchange_strong(free, kLocked, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void Release() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) WakeOne();
  }
  void LockContended();
  void WakeOne();

  std::atomic<uint32_t> state_{kFree};
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(mu) { mu_->Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mu_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mu_;
};

// Waits may return without a signal: loop on the condition.
class CondVar {
 public:
  constexpr CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void Wait(Mutex* mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) { WaitUntil(mu, absl::InfiniteFuture()); }
  // Returns true if the deadline passed. InfiniteFuture() never passes.
  bool WaitUntil(Mutex* mu, absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  // Returns true if so long has passed, by a clock that nobody can set.
  bool WaitFor(Mutex* mu, absl::Duration limit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  // For whoever holds the mutex.
  void Signal() { Wake(1); }
  void SignalAll();

 private:
  // Null: without end.
  bool Wait(Mutex* mu, const timespec* deadline, clockid_t clock) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void Wake(int most);

  std::atomic<uint32_t> signals_{0};  // so far: who sees that it has changed does not sleep
  std::atomic<uint32_t> waiters_{0};  // changed under the mutex
};

}  // namespace drover::base

#endif  // DROVER_BASE_MUTEX_H_
