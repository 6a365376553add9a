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
// does not. So after a turn of others that was long (kWorthNanos) nobody yields for as long again,
// for 4 times as long if that happens once more, and so on up to a hundred times, which bounds what
// is lost to one part in a hundred. As long as no turn has been long lately, only one in
// kMeasureEvery is measured: the readings of the clock would be a hundredth of a call. Where
// yielding brings nothing, only one wait in kProbeEvery does it. Turned off by DROVER_SPIN=0, like
// polling, and where there are two CPUs.
//
// Thread-compatible.
#ifndef DROVER_ASYNC_YIELD_BUDGET_H_
#define DROVER_ASYNC_YIELD_BUDGET_H_

#include <algorithm>
#include <cstdint>

#include "drover/async/steady_clock.h"

namespace drover::async {

class YieldBudget {
 public:
  static constexpr int kMostYields = 3;
  static constexpr int64_t kWorthNanos = 100'000;
  static constexpr uint32_t kMeasureEvery = 8;

  explicit YieldBudget(bool enabled = EnabledHere()) : enabled_(enabled) {}

  bool Next() {
    if (!enabled_) return false;
    if (rests_until_ != 0) {
      if (SteadyNanos() < rests_until_) return false;
      rests_until_ = 0;
    }
    return credit_ > 0 || ++waits_ % kProbeEvery == 0;
  }
  // Whether the turn that Next() allowed is to be measured, and reported to ReportTurn.
  bool Measures() { return rest_ > 1 || turns_++ % kMeasureEvery == 0; }
  void ReportTurn(int64_t from, int64_t to, int64_t worth = kWorthNanos) {
    if (to - from > worth) {
      rests_until_ = to + rest_ * (to - from);
      rest_ = std::min(4 * rest_, kLongestRest);
      quick_ = 0;
    } else if (++quick_ % kQuickTurns == 0) {
      rest_ = std::max(rest_ / 4, int64_t{1});
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

  static bool EnabledHere();

  static constexpr int64_t kLongestRest = 100;   // times as long as the turn that was too long
  static constexpr uint32_t kQuickTurns = 1024;  // so many in a row show that the others are gone

  const bool enabled_;
  int64_t rests_until_ = 0;
  int64_t rest_ = 1;
  uint32_t quick_ = 0;
  int credit_ = 1;
  uint32_t waits_ = 0;
  uint32_t turns_ = 0;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_YIELD_BUDGET_H_
