// Where time comes from: what time it is, and tasks to be run when some of it has passed. The
// runtime's is Timers; a test has one that stands still until it is told to go on.
//
//   uint64_t id = timers.AddAfter(absl::Seconds(10), [state] { state->Expire(); });
//
// Thread-safe. Nothing blocks for long. Of tasks timers.h says what they may do; Remove does not
// wait for one that has begun.
#ifndef DROVER_ASYNC_TIMER_SOURCE_H_
#define DROVER_ASYNC_TIMER_SOURCE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "drover/async/executor.h"

namespace drover::async {

class TimerSource {
 public:
  // Since some moment in the past; never goes back.
  virtual absl::Duration Now() const = 0;
  // Never 0. A delay may be infinite, and is over at once if it is not positive.
  virtual uint64_t AddAfter(absl::Duration delay, Task task) = 0;
  virtual void Remove(uint64_t id) = 0;

 protected:
  ~TimerSource() = default;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_TIMER_SOURCE_H_
