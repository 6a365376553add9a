// One reading of the clock for what ends with a call and what begins with the next, where a thread
// runs calls inline one after another: they are so quick that the readings would be a fifth of
// them.
//
//   InlineClock& clock = ThreadContext::Current().clock;
//   {
//     const InlineClock::Run run(clock);       // a call begins now, or when the last one ended
//     began = clock.Begin();
//     took = clock.End() - began;
//   }
//   now = clock.Latest();                      // when it ended; and on to the next one
//   clock.Forget();                            // or something else takes time
//
// Whatever takes time that is not the call's must forget, wherever in a run that happens: a write,
// a wake-up, code of the user's that runs after the answer. There are no runs within runs. Outside
// a run Begin and End read the clock each time. Belongs to its thread.
#ifndef DROVER_ASYNC_INLINE_CLOCK_H_
#define DROVER_ASYNC_INLINE_CLOCK_H_

#include <cstdint>
#include <utility>

#include "drover/async/steady_clock.h"

namespace drover::async {

class InlineClock {
 public:
  class Run {
   public:
    explicit Run(InlineClock& clock) : clock_(clock) {
      clock.next_ = std::exchange(clock.latest_, 0);
      clock.runs_ = true;
    }
    ~Run() {
      clock_.next_ = 0;
      clock_.runs_ = false;
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

   private:
    InlineClock& clock_;
  };

  int64_t Begin() { return next_ != 0 ? std::exchange(next_, 0) : SteadyNanos(); }
  int64_t End() {
    const int64_t now = SteadyNanos();
    if (runs_) latest_ = now;
    return now;
  }
  // When the last run's call ended, or else now: which is then what the next run begins with, too.
  int64_t Latest() { return latest_ != 0 ? latest_ : latest_ = SteadyNanos(); }
  void Forget() { latest_ = next_ = 0; }

 private:
  // Steady nanoseconds; 0: none that is of use.
  int64_t latest_ = 0;
  int64_t next_ = 0;  // for the call that begins
  bool runs_ = false;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_INLINE_CLOCK_H_
