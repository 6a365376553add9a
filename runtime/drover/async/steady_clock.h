// Nanoseconds of the monotonic clock, for measuring short spans. Thread-safe; never blocks.
#ifndef DROVER_ASYNC_STEADY_CLOCK_H_
#define DROVER_ASYNC_STEADY_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace drover::async {

inline int64_t SteadyNanos() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace drover::async

#endif  // DROVER_ASYNC_STEADY_CLOCK_H_
