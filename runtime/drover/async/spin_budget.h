// How long to poll for something before sleeping for it: adaptive, because polling saves a
// wake-up of 25-30 us where the other side answers at once, and only burns a CPU elsewhere.
//
//   SpinBudget budget;
//   const int64_t nanos = budget.Next();    // zero: sleep at once
//   ... poll for at most so long ...
//   budget.Report(/*paid=*/arrived);           // unless it was zero
//
// While polling pays, every wait polls. After several waits in a row in which it did not, only one
// wait in kFirstProbe does, to find out whether that has changed, and ever fewer the longer it has
// not, down to one in kRarestProbe: where more threads are busy than there are CPUs, whoever is
// waited for does not run meanwhile, and polling ends by itself. One that pays brings it back. With
// one CPU nobody polls; see yield_budget.h for that.
//
// Thread-compatible. The limit is the environment variable DROVER_SPIN in microseconds
// (default 50; 0 turns polling off), read at the first use.
#ifndef DROVER_ASYNC_SPIN_BUDGET_H_
#define DROVER_ASYNC_SPIN_BUDGET_H_

#include <algorithm>
#include <cstdint>

namespace drover::async {

class SpinBudget {
 public:
  static constexpr uint32_t kFirstProbe = 32;
  static constexpr uint32_t kRarestProbe = 256;

  explicit SpinBudget(int64_t limit_ns = LimitNanos()) : limit_ns_(limit_ns) {}

  // In nanoseconds.
  int64_t Next() {
    if (credit_ > 0) return limit_ns_;
    if (limit_ns_ == 0 || ++waits_ < probe_after_) return 0;
    waits_ = 0;
    return limit_ns_;
  }
  void Report(bool paid) {
    if (paid) {
      credit_ = kMaxCredit;
      probe_after_ = kFirstProbe;
    } else if (credit_ > 0) {
      --credit_;
    } else {
      probe_after_ = std::min(2 * probe_after_, kRarestProbe);
    }
  }

  // Zero with one CPU.
  static int64_t LimitNanos();
  // What DROVER_SPIN says, however many CPUs there are: for waits that let others run.
  static int64_t WantedNanos();

 private:
  static constexpr int kMaxCredit = 4;

  int64_t limit_ns_;
  int credit_ = 1;
  uint32_t waits_ = 0;  // since the last that polled
  uint32_t probe_after_ = kFirstProbe;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_SPIN_BUDGET_H_
