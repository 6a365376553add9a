#include "drover/async/future_core.h"

#include <utility>

#include "drover/async/cancellable_wait.h"
#include "drover/async/cancellation.h"
#include "drover/async/parker.h"
#include "drover/async/runtime.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"

namespace drover::async {
namespace {

// Runs a continuation with the cancellation that was current where it was made.
Task InContext(Task task, Executor* executor, Cancellation* cancellation) {
  if (executor == nullptr && cancellation == nullptr) return task;
  return [task = std::move(task), executor = base::Ref<Executor>::Share(executor),
          cancellation = base::Ref<Cancellation>::Share(cancellation)]() mutable {
    UserCodeScope scope(executor.get(), cancellation.get());
    task();
    task = nullptr;  // what it owns is destroyed in its context too
  };
}

// Reads the clock only where there is a deadline.
bool Passed(absl::Time deadline) {
  return deadline != absl::InfiniteFuture() && absl::Now() >= deadline;
}

absl::Status CopyOf(const absl::Status& status) { return {status.code(), status.message()}; }

}  // namespace

void NoteCollected() { ThreadContext::Current().collected = 1; }

void FutureCore::MarkReady() {
  if ((flags_.load(std::memory_order_relaxed) & kObserved) != 0) RunObservers();
  if ((flags_.fetch_or(kReady, std::memory_order_acq_rel) & kWatched) == 0) return;
  Task continuation;
  Task on_cancel;
  base::Ref<Executor> executor;
  {
    base::MutexLock lock(&mu_);
    if (waiter_ != nullptr) waiter_->Unpark();
    continuation = std::move(continuation_);
    continuation_ = nullptr;
    executor = std::move(continuation_executor_);
    on_cancel = std::move(on_cancel_);
    on_cancel_ = nullptr;
  }
  if (!continuation) return;
  if (executor) {
    executor->Post(std::move(continuation));
  } else {
    continuation();
  }
}

bool FutureCore::BeforeReady(Task task) {
  {
    base::MutexLock lock(&mu_);
    if ((flags_.fetch_or(kObserved, std::memory_order_acq_rel) & kClaimed) != 0) return false;
    observers_.push_back(std::move(task));
  }
  RunUnattended();
  return true;
}

void FutureCore::RunObservers() {
  std::vector<Task> observers;
  {
    base::MutexLock lock(&mu_);
    observers.swap(observers_);
  }
  for (Task& task : observers) task();
}

bool FutureCore::Watch() {
  return (flags_.fetch_or(kWatched, std::memory_order_acq_rel) & kReady) == 0;
}

void FutureCore::AddWaiter(Parker* parker) {
  base::MutexLock lock(&mu_);
  waiter_ = parker;
  if (!Watch()) parker->Unpark();
}

void FutureCore::RemoveWaiter() {
  base::MutexLock lock(&mu_);
  waiter_ = nullptr;
}

void FutureCore::OnReady(Task task) {
  if (!OnReadyUnlessReady(task)) task();
}

bool FutureCore::OnReadyUnlessReady(Task& task) {
  if (ready()) return false;
  ThreadContext& context = ThreadContext::Current();
  auto executor = base::Ref<Executor>::Share(context.executor);
  if (!executor) executor = base::Ref<Executor>::Share(&CurrentPool());
  {
    base::MutexLock lock(&mu_);
    if (!Watch()) return false;
    continuation_ = InContext(std::move(task), context.executor, context.cancellation);
    continuation_executor_ = std::move(executor);
  }
  RunUnattended();
  return true;
}

void FutureCore::Observe(Task task) {
  bool watched;
  {
    base::MutexLock lock(&mu_);
    watched = Watch();
    if (watched) {
      continuation_ = std::move(task);
      continuation_executor_ = nullptr;
    }
  }
  if (watched) {
    RunUnattended();
  } else {
    task();
  }
}

void FutureCore::OnCancel(Task task) {
  {
    base::MutexLock lock(&mu_);
    if (reason_ == nullptr) {
      // The one that was there is destroyed after the lock, with `task`: it may own anything.
      if (Watch()) std::swap(on_cancel_, task);
      return;
    }
  }
  task();
}

void FutureCore::Cancel() { CancelWith(absl::CancelledError("the caller cancelled the call")); }

void FutureCore::CancelWith(absl::Status status) {
  if (ready()) return;
  base::Ref<FutureCore> alive = base::Ref<FutureCore>::Share(this);
  Task on_cancel;
  {
    base::MutexLock lock(&mu_);
    if (reason_ == nullptr) reason_ = std::make_unique<const absl::Status>(CopyOf(status));
    on_cancel = std::move(on_cancel_);
    on_cancel_ = nullptr;
  }
  StopWork();
  if (on_cancel) on_cancel();
  CompleteWithError(std::move(status));
}

absl::Status FutureCore::ReasonOr(const absl::Status& error) {
  base::MutexLock lock(&mu_);
  return reason_ != nullptr ? CopyOf(*reason_) : error;
}

void FutureCore::Abandon() {
  if (ready()) return;
  if (flags_.fetch_or(kAbandoned, std::memory_order_acq_rel) < kHold) Cancel();
}

void FutureCore::Release() {
  const uint32_t before = flags_.fetch_sub(kHold, std::memory_order_acq_rel);
  const bool last = before < 2 * kHold;
  if (last && (before & (kAbandoned | kClaimed)) == kAbandoned) Cancel();
}

bool FutureCore::WaitUntil(absl::Time deadline) {
  if (ready()) return true;
  CancellableWait wait;
  while (!ready() && !wait.cancelled() && !Passed(deadline)) WaitForWork(deadline);
  if (!ready() && wait.cancelled()) {
    Cancel();
    ParkUntilReady();  // the result may have come at the same moment, and be nearly there
  }
  return ready();
}

void FutureCore::ParkUntilReady() {
  Parker& parker = Parker::ForThisThread();
  AddWaiter(&parker);
  while (!ready()) parker.Park(absl::InfiniteFuture());
  RemoveWaiter();
}

void FutureCore::WaitForWork(absl::Time deadline) {
  Parker& parker = Parker::ForThisThread();
  Cancellation* cancellation = ThreadContext::Current().cancellation;
  AddWaiter(&parker);
  while (!ready() && !Passed(deadline) && (cancellation == nullptr || !cancellation->cancelled())) {
    parker.Park(deadline);
  }
  RemoveWaiter();
}

}  // namespace drover::async
