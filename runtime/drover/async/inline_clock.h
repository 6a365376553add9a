// One reading of the clock for what ends with a call and what begins with the next, where a thread
// runs calls inline one after another: they are so quick that the readings would be a fifth of
// them.
//
//   InlineClock& clock = ThreadContext::Current().clock;
//   const InlineClock::Scope scope(clock);     // whoever handles the calls that have come
//   clock.Offer();                             // the next call begins when the last one ended
//   began = clock.Begin();
//   took = clock.End() - began;
//   now = clock.Latest();                      // and on to the next one
//   clock.Forget();                            // or something else takes time
//
// Outside a scope each reading is of its own. Belongs to its thread.
#ifndef DROVER_ASYNC_INLINE_CLOCK_H_
#define DROVER_ASYNC_INLINE_CLOCK_H_

#include <cstdint>
#include <utility>

#include "drover/async/steady_clock.h"

namespace drover::async {

class InlineClock {
 public:
  class Scope {
   public:
    explicit Scope(InlineClock& clock) : clock_(clock), outer_(std::exchange(clock.shares_, true)) {
      clock_.Forget();
    }
    ~Scope() {
      clock_.shares_ = outer_;
      clock_.Forget();
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    InlineClock& clock_;
    const bool outer_;
  };

  void Offer() { next_ = std::exchange(latest_, 0); }
  int64_t Begin() { return next_ != 0 ? std::exchange(next_, 0) : SteadyNanos(); }
  int64_t End() {
    const int64_t now = SteadyNanos();
    if (shares_) latest_ = now;
    return now;
  }
  // When the call ended that Offer was for, or now.
  int64_t Latest() { return latest_ != 0 ? latest_ : End(); }
  void Forget() { next_ = latest_ = 0; }

 private:
  bool shares_ = false;
  // Steady nanoseconds; 0: none that is of use.
  int64_t latest_ = 0;
  int64_t next_ = 0;  // for the call that begins
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_INLINE_CLOCK_H_
