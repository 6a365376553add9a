// How long a lease lasts: decisions alone, without a clock. Moments are those of TimerSource::Now.
//
//   LeaseTerm term(absl::Minutes(10), now);
//   term.CallBegan(now);                      // renews it; it cannot run out meanwhile
//   term.CallEnded(now);                      // renews it
//   if (term.Left(now) <= absl::ZeroDuration()) ...
//
// Thread-compatible; never blocks.
#ifndef DROVER_OBJECT_LEASE_TERM_H_
#define DROVER_OBJECT_LEASE_TERM_H_

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"

namespace drover::object {

class LeaseTerm {
 public:
  LeaseTerm(absl::Duration duration, absl::Duration now)
      : duration_(duration), end_(now + duration) {}

  void CallBegan(absl::Duration now) {
    ++running_;
    Extend(duration_, now);
  }
  void CallEnded(absl::Duration now) {
    --running_;
    Extend(duration_, now);
  }
  // It lasts for at least so long from now on. Never makes it shorter.
  void Extend(absl::Duration duration, absl::Duration now) {
    end_ = std::max(end_, now + duration);
  }

  size_t running() const { return running_; }
  // What is left if nobody uses it; infinite while a call runs.
  absl::Duration Left(absl::Duration now) const {
    return running_ > 0 ? absl::InfiniteDuration() : std::max(end_ - now, absl::ZeroDuration());
  }

 private:
  const absl::Duration duration_;
  absl::Duration end_;
  size_t running_ = 0;
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_LEASE_TERM_H_
