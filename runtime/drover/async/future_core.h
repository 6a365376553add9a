// The part of a future's shared state that does not depend on the type of the result: readiness,
// waiting, one continuation, cancellation.
//
// Completion happens once: whoever gets true from ClaimCompletion stores the result and calls
// MarkReady. Thread-safe.
#ifndef DROVER_ASYNC_FUTURE_CORE_H_
#define DROVER_ASYNC_FUTURE_CORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "drover/async/executor.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"

namespace drover::async {

class Parker;

// The calling thread took a result without having to wait for it.
void NoteCollected();

class FutureCore : public base::RefCounted {
 public:
  void Unref() const { UnrefWithoutTryRef(); }
  bool TryRef() const = delete;

  bool ready() const { return (flags_.load(std::memory_order_acquire) & kReady) != 0; }

  // Blocks until ready. In a servant whose call is cancelled meanwhile, cancels this work too.
  void Wait() { WaitUntil(absl::InfiniteFuture()); }
  // Returns whether it is ready.
  bool WaitUntil(absl::Time deadline);

  // Completes with Cancelled unless already complete, after telling the work to stop. Where another
  // thread is just completing it, it may be ready only a moment later.
  void Cancel();

  // The same with another error than Cancelled, such as DeadlineExceeded.
  void CancelWith(absl::Status status);

  // Whoever wanted the result does not want it any more: Cancel, unless somebody holds the work or
  // until the last holder releases it.
  void Abandon();
  // Between the two the work goes on although it is abandoned.
  void Hold() { flags_.fetch_add(kHold, std::memory_order_relaxed); }
  void Release();

  // Completes with `status` unless already complete, without telling the work.
  void Fail(absl::Status status) { CompleteWithError(std::move(status)); }

  // Runs `task` once ready: now, on this thread, if it is; otherwise where the calling code's
  // continuations belong (its servant's strand, or the pool). At most one continuation.
  void OnReady(Task task);
  // The same, except that a ready state returns false and drops nothing: the caller goes on itself.
  [[nodiscard]] bool OnReadyUnlessReady(Task& task);

  // In place of a continuation, for Drover's own bookkeeping: runs `task` once ready, on the thread
  // that completes it (now, on this one, if it is ready). It may not block, nor run user code.
  void Observe(Task task);

  // For Drover's own bookkeeping, any number of times, beside a continuation and a waiter: runs
  // `task` on the thread that completes it, once the result is stored and before anybody else can
  // see it. It may not block, nor run user code. False, and nothing is done, if completion has
  // begun: AwaitCompletion is over in a moment then.
  [[nodiscard]] bool BeforeReady(Task task);
  // Waits for a result that is being stored.
  void AwaitCompletion() {
    if (!ready()) ParkUntilReady();
  }

  // Runs `task` if Cancel comes before completion; now, on this thread, if it came already. The
  // last one set counts.
  void OnCancel(Task task);

  // The thread-parking side: `parker` is unparked when ready, until RemoveWaiter returns.
  // At most one waiter at a time.
  void AddWaiter(Parker* parker);
  void RemoveWaiter();

 protected:
  FutureCore() = default;
  [[nodiscard]] bool ClaimCompletion() {
    return (flags_.fetch_or(kClaimed, std::memory_order_acq_rel) & kClaimed) == 0;
  }
  void MarkReady();
  // Work that was told to stop may fail of that before it is done with telling: the reason why it
  // was told, or `error` if it was not.
  absl::Status ReasonOr(const absl::Status& error);

  virtual void CompleteWithError(absl::Status status) = 0;
  // Tells the work to stop; before a Cancel completes the state. Never blocks.
  virtual void StopWork() {}
  // Somebody wants the result without waiting for it: the work must get on without a thread that
  // waits. Never blocks.
  virtual void RunUnattended() {}
  // Waits until ready or the deadline, making progress itself where it can. The default parks.
  virtual void WaitForWork(absl::Time deadline);

 private:
  // The count of holders is above the flags.
  enum Flag : uint32_t {
    kClaimed = 1,
    kReady = 2,
    kWatched = 4,
    kObserved = 8,
    kAbandoned = 16,
    kHold = 32
  };

  // True if it is not ready, and completion will look under the lock.
  [[nodiscard]] bool Watch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ParkUntilReady();
  void RunObservers();

  std::atomic<uint32_t> flags_{0};
  base::Mutex mu_;  // taken by completion only if somebody watches
  Parker* waiter_ ABSL_GUARDED_BY(mu_) = nullptr;
  Task continuation_ ABSL_GUARDED_BY(mu_);
  base::Ref<Executor> continuation_executor_ ABSL_GUARDED_BY(mu_);  // null: the completing thread
  Task on_cancel_ ABSL_GUARDED_BY(mu_);
  std::vector<Task> observers_ ABSL_GUARDED_BY(mu_);
  // The first one that it was cancelled for; null if it was not. Shares nothing with the status
  // that was given, which is another thread's.
  std::unique_ptr<const absl::Status> reason_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_FUTURE_CORE_H_
