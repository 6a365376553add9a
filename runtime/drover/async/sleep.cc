#include "drover/async/sleep.h"

#include "absl/time/clock.h"
#include "drover/async/cancellable_wait.h"

namespace drover {

absl::Status SleepFor(absl::Duration duration) {
  const absl::Time end = absl::Now() + duration;
  async::CancellableWait wait;
  while (absl::Now() < end && !wait.cancelled()) wait.parker().Park(end);
  if (wait.cancelled()) return absl::CancelledError("the caller cancelled the call");
  return absl::OkStatus();
}

}  // namespace drover
