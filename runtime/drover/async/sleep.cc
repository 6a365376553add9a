#include "drover/async/sleep.h"

#include "absl/time/clock.h"
#include "drover/async/parker.h"
#include "drover/async/thread_context.h"

namespace drover {

absl::Status SleepFor(absl::Duration duration) {
  const absl::Time end = absl::Now() + duration;
  async::BlockingScope blocking;
  async::Parker& parker = async::Parker::ForThisThread();
  async::Cancellation* cancellation = async::ThreadContext::Current().cancellation;
  if (cancellation != nullptr) cancellation->AddWaiter(&parker);
  const auto cancelled = [&] { return cancellation != nullptr && cancellation->cancelled(); };
  while (absl::Now() < end && !cancelled()) parker.Park(end);
  if (cancellation != nullptr) cancellation->RemoveWaiter(&parker);
  if (cancelled()) return absl::CancelledError("the caller cancelled the call");
  return absl::OkStatus();
}

}  // namespace drover
