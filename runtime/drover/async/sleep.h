// Sleeping in a servant, or anywhere.
//
//   DROVER_RETURN_IF_ERROR(drover::SleepFor(absl::Seconds(3)));
//
// Blocks. In a servant it ends early, with Cancelled, when the caller cancels the call or is gone.
#ifndef DROVER_ASYNC_SLEEP_H_
#define DROVER_ASYNC_SLEEP_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace drover {

absl::Status SleepFor(absl::Duration duration);

}  // namespace drover

#endif  // DROVER_ASYNC_SLEEP_H_
