// A wait of the calling thread that ends early when the call whose servant waits is cancelled.
//
//   CancellableWait wait;
//   queue.SetWaiter(&wait.parker());
//   while (!done() && !wait.cancelled() && absl::Now() < deadline) wait.parker().Park(deadline);
//   queue.SetWaiter(nullptr);               // as parker.h says
//
// It is a BlockingScope too, and tells the executor of the servant's code that this waits. Belongs
// to the thread that made it; they nest.
#ifndef DROVER_ASYNC_CANCELLABLE_WAIT_H_
#define DROVER_ASYNC_CANCELLABLE_WAIT_H_

#include "drover/async/cancellation.h"
#include "drover/async/executor.h"
#include "drover/async/parker.h"
#include "drover/async/thread_context.h"

namespace drover::async {

class CancellableWait {
 public:
  CancellableWait()
      : parker_(Parker::ForThisThread()),
        cancellation_(ThreadContext::Current().cancellation),
        executor_(ThreadContext::Current().executor) {
    if (cancellation_ != nullptr) cancellation_->AddWaiter(&parker_);
    if (executor_ != nullptr) executor_->BeginWait();
  }
  ~CancellableWait() {
    if (executor_ != nullptr) executor_->EndWait();
    if (cancellation_ != nullptr) cancellation_->RemoveWaiter(&parker_);
  }
  CancellableWait(const CancellableWait&) = delete;
  CancellableWait& operator=(const CancellableWait&) = delete;

  Parker& parker() { return parker_; }
  // Whether the call that is being served has been cancelled; false outside of servants.
  bool cancelled() const { return cancellation_ != nullptr && cancellation_->cancelled(); }

 private:
  BlockingScope blocking_;
  Parker& parker_;
  Cancellation* const cancellation_;
  Executor* const executor_;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_CANCELLABLE_WAIT_H_
