// How many connections to take before other descriptors get their turn: one, as long as they come
// one by one, for to ask for a second that is not there costs a system call; more where many wait,
// for each turn may be a long one.
//
//   AcceptBudget budget;
//   int left = budget.Begin();
//   while (left > 0 && Accept()) --left;
//   budget.End(/*all_taken=*/left > 0);
//
// Turns that take all they may are followed by one that may take twice as many, up to kMost. One
// that finds the queue empty is followed by those of one, and before a second is asked for again
// there are the more of these the more often it was in vain, up to kRarestProbe.
//
// Thread-compatible.
#ifndef DROVER_RPC_ACCEPT_BUDGET_H_
#define DROVER_RPC_ACCEPT_BUDGET_H_

#include <algorithm>

namespace drover::rpc {

class AcceptBudget {
 public:
  static constexpr int kMost = 16;
  static constexpr int kRarestProbe = 64;

  int Begin() const { return size_; }
  void End(bool all_taken) {
    if (all_taken) {
      // More than one came: that was not in vain.
      probe_after_ = size_ > 2 ? 1 : std::min(2 * probe_after_, kRarestProbe);
      turns_ = 0;
      size_ = 1;
    } else if (size_ > 1 || ++turns_ >= probe_after_) {
      size_ = std::min(2 * size_, kMost);
    }
  }

 private:
  int size_ = 1;
  int turns_ = 0;        // of one, since the queue was found empty
  int probe_after_ = 1;  // so many of them
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_ACCEPT_BUDGET_H_
