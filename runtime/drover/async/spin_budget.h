// How long to poll for something before sleeping for it: adaptive, because polling saves a
// wake-up of 25-30 us where the other side answers at once, and only burns a CPU elsewhere.
//
//   SpinBudget budget(limit_ns);
//   const int64_t nanos = budget.Next();    // zero: sleep at once
//   ... poll for at most so long ...
//   budget.Report(/*paid=*/arrived, waited);   // unless it was zero; after how many nanoseconds
//
// A wait polls for kMargin times as long as waits have lately taken whose polling paid: the longest
// of them counts, and fades, an eighth with each wait that is shorter. In this it follows the
// adaptive spinning of Karlin, Li, Manasse and Owicki, "Empirical Studies of Competitive Spinning
// for a Shared-Memory Multiprocessor" (SOSP 1991), who take the last few waits for the next one.
// After one that polled in vain the next polls up to the limit, since the other side may only have
// become slower; each further one half as long as the one before, down to a part of the limit, and
// from kTries in a row nobody polls.
//
// Then only one wait in kFirstProbe does, up to the limit, to find out whether that has changed,
// and ever fewer the longer it has not, down to one in kRarestProbe: where more threads are busy
// than there are CPUs, whoever is waited for does not run meanwhile, and polling ends by itself.
// One that pays brings it back. With one CPU nobody polls; see yield_budget.h for that.
//
// Pure decisions: it has no clock. Thread-compatible.
#ifndef DROVER_ASYNC_SPIN_BUDGET_H_
#define DROVER_ASYNC_SPIN_BUDGET_H_

#include <algorithm>
#include <cstdint>

namespace drover::async {

class SpinBudget {
 public:
  static constexpr int64_t kMargin = 4;
  // The shortest poll, as a part of the limit. Less is not worth the deciding; and who gives up
  // just before a peer that had to be woken answers has both ends sleep from then on.
  static constexpr int32_t kShortestPart = 2;
  static constexpr int kTries = 4;
  static constexpr uint16_t kFirstProbe = 32;
  static constexpr uint16_t kRarestProbe = 256;

  // The longest poll, in nanoseconds, up to two seconds; 0 for none at all.
  explicit SpinBudget(int64_t limit_ns)
      : limit_ns_(static_cast<int32_t>(limit_ns)), usual_ns_(limit_ns_), next_ns_(limit_ns_) {}

  // In nanoseconds.
  int64_t Next() {
    if (in_vain_ < kTries) return next_ns_;
    if (limit_ns_ == 0 || ++waits_ < probe_after_) return 0;
    waits_ = 0;
    return limit_ns_;
  }
  void Report(bool paid, int64_t waited_ns) {
    if (paid) {
      usual_ns_ = std::max(Limited(waited_ns), usual_ns_ - usual_ns_ / 8);
      next_ns_ = std::max(Limited(kMargin * usual_ns_), Shortest());
      in_vain_ = 0;
      probe_after_ = kFirstProbe;
    } else if (in_vain_ < kTries) {
      next_ns_ = in_vain_ == 0 ? limit_ns_ : std::max(next_ns_ / 2, Shortest());
      ++in_vain_;
    } else {
      probe_after_ = std::min<uint16_t>(2 * probe_after_, kRarestProbe);
    }
  }

 private:
  int32_t Shortest() const { return limit_ns_ / kShortestPart; }
  int32_t Limited(int64_t nanos) const {
    return static_cast<int32_t>(std::min<int64_t>(nanos, limit_ns_));
  }

  // Small: each connection has one.
  int32_t limit_ns_;
  int32_t usual_ns_;               // what waits take whose polling pays
  int32_t next_ns_;                // for how long to poll, unless all tries were in vain
  uint16_t in_vain_ = kTries - 1;  // polls in a row; at first there is one to find out
  uint16_t waits_ = 0;             // since the last that polled
  uint16_t probe_after_ = kFirstProbe;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_SPIN_BUDGET_H_
