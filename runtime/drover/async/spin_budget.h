// How long to poll for something before sleeping for it: adaptive, because polling saves a
// wake-up of 25-30 us where the other side answers at once, and only burns a CPU elsewhere.
//
//   SpinBudget budget;
//   const absl::Duration d = budget.Next();    // zero: sleep at once
//   ... poll for at most d ...
//   budget.Report(/*paid=*/arrived);
//
// While polling pays, every wait polls. After several waits in a row in which it did not, only one
// wait in kProbeEvery does, to find out whether that has changed. With one CPU nobody polls; see
// yield_budget.h for that.
// Thread-compatible. The limit is the environment variable DROVER_SPIN in microseconds
// (default 50; 0 turns polling off), read at the first use.
#ifndef DROVER_ASYNC_SPIN_BUDGET_H_
#define DROVER_ASYNC_SPIN_BUDGET_H_

#include <cstdint>

namespace drover::async {

class SpinBudget {
 public:
  explicit SpinBudget(int64_t limit_nanos = LimitNanos()) : limit_ns_(limit_nanos) {}

  // In nanoseconds.
  int64_t Next() {
    if (limit_ns_ == 0) return 0;
    if (credit_ > 0) return limit_ns_;
    if (++waits_ % kProbeEvery == 0) return limit_ns_;
    return 0;
  }
  void Report(bool paid) {
    if (paid) {
      credit_ = kMaxCredit;
    } else if (credit_ > 0) {
      --credit_;
    }
  }

  // Zero with one CPU.
  static int64_t LimitNanos();
  // What DROVER_SPIN says, however many CPUs there are: for waits that let others run.
  static int64_t WantedNanos();

 private:
  static constexpr int kMaxCredit = 4;
  static constexpr uint32_t kProbeEvery = 32;

  int64_t limit_ns_;
  int credit_ = 1;
  uint32_t waits_ = 0;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_SPIN_BUDGET_H_
