// Whether to let others run before sleeping for input, where this process has one CPU: the peer
// that is to answer may be waiting for that very CPU. If it answers in its turn, neither side has
// slept, and nobody had to be woken.
//
//   YieldBudget budget;
//   if (budget.Next()) {
//     const int64_t from = budget.Measures() ? SteadyNanos() : 0;
//     ... sched_yield() and look for input, up to kMostYields times ...
//     budget.Report(/*paid=*/arrived);
//     if (from != 0) budget.ReportTurn(from, SteadyNanos());
//   }
//
// A process that is woken gets the CPU before one that only computes, a process that has yielded
// does not. So after a turn of others that was long (kWorthNanos, unless whoever reports it finds
// longer ones worth it) nobody yields for a while (rest.h). As long as no turn has been long
// lately, only one in kMeasureEvery is measured: the readings of the clock would be a hundredth of
// a call. Where yielding brings nothing, only one wait in kProbeEvery does it. Whoever turns
// polling off (RuntimeOptions::spin) turns this off too; with two CPUs one polls instead.
//
// Thread-compatible.
#ifndef DROVER_ASYNC_YIELD_BUDGET_H_
#define DROVER_ASYNC_YIELD_BUDGET_H_

#include <cstdint>

#include "drover/async/rest.h"
#include "drover/async/steady_clock.h"

namespace drover::async {

class YieldBudget {
 public:
  static constexpr int kMostYields = 3;
  static constexpr int64_t kWorthNanos = 100'000;
  static constexpr uint32_t kMeasureEvery = 8;

  explicit YieldBudget(bool enabled) : enabled_(enabled) {}

  bool enabled() const { return enabled_; }

  bool Next() {
    if (!enabled_) return false;
    if (rests_) {
      if (rest_.Rests(SteadyNanos())) return false;
      rests_ = false;
    }
    return credit_ > 0 || ++waits_ % kProbeEvery == 0;
  }
  // Whether the turn that Next() allowed is to be measured, and reported to ReportTurn.
  bool Measures() { return rest_.wary() || turns_++ % kMeasureEvery == 0; }
  void ReportTurn(int64_t from, int64_t to, int64_t worth = kWorthNanos) {
    if (to - from > worth) {
      rest_.NoteLong(to - from, to);
      rests_ = true;
    } else {
      rest_.NoteShort();
    }
  }
  void Report(bool paid) {
    if (paid) {
      credit_ = kMaxCredit;
    } else if (credit_ > 0) {
      --credit_;
    }
  }

 private:
  static constexpr int kMaxCredit = 4;
  static constexpr uint32_t kProbeEvery = 32;

  Rest rest_;
  const bool enabled_;
  bool rests_ = false;  // or did when it was last looked
  int credit_ = 1;
  uint32_t waits_ = 0;
  uint32_t turns_ = 0;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_YIELD_BUDGET_H_
