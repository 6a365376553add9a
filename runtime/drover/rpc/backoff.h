// How long to wait between attempts that fail: longer each time, and not the same for everybody.
//
//   ExponentialBackoff backoff(options);
//   absl::Duration wait = backoff.Next(uniform);     // 0 <= uniform < 1
//   ...
//   backoff.Reset();                                 // it worked
//
// Thread-compatible; no clock, no randomness of its own, never blocks.
#ifndef DROVER_RPC_BACKOFF_H_
#define DROVER_RPC_BACKOFF_H_

#include <algorithm>

#include "absl/time/time.h"

namespace drover {

// The pauses between dials of a server that is not up yet.
struct Backoff {
  absl::Duration initial = absl::Milliseconds(10);  // after the first failure; at least 1 ms
  double multiplier = 1.6;                          // of the pause, for each failure; at least 1
  absl::Duration max = absl::Seconds(5);            // of the pause, jitter aside
  // Each pause is longer or shorter by up to this part of it, at random, so that clients which lost
  // the same server do not come back at the same moment. 0 to 1.
  double jitter = 0.2;
};

namespace rpc {

class ExponentialBackoff {
 public:
  explicit ExponentialBackoff(const Backoff& options) : options_(options) {
    options_.initial = std::max(options.initial, absl::Milliseconds(1));
    options_.multiplier = std::max(options.multiplier, 1.0);
    options_.max = std::max(options.max, options_.initial);
    options_.jitter = std::clamp(options.jitter, 0.0, 1.0);
    Reset();
  }

  absl::Duration Next(double uniform) {
    const absl::Duration pause = next_ * (1 + options_.jitter * (2 * uniform - 1));
    next_ = std::min(next_ * options_.multiplier, options_.max);
    return pause;
  }
  void Reset() { next_ = options_.initial; }

 private:
  Backoff options_;
  absl::Duration next_;
};

}  // namespace rpc
}  // namespace drover

#endif  // DROVER_RPC_BACKOFF_H_
