// Whether a lost call may be sent again, so that clients of a server which fails do not multiply
// its load: the throttling of gRPC's retries (gRFC A6). A bucket holds tokens. A lost call takes
// one, an answered one puts `ratio` of a token back, and calls are sent again only while the bucket
// is more than half full.
//
//   if (budget.Lost()) SendAgain();
//   budget.Answered();
//
// Thread-safe; never blocks.
#ifndef DROVER_RPC_RETRY_BUDGET_H_
#define DROVER_RPC_RETRY_BUDGET_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace drover::rpc {

class RetryBudget {
 public:
  // With no tokens nothing is ever sent again.
  RetryBudget(double tokens, double ratio)
      : most_(Parts(tokens)), gain_(Parts(ratio)), parts_(most_) {}

  bool enabled() const { return most_ > 0; }

  // Counts a call that was lost; whether it may be sent again.
  bool Lost() { return Add(-kToken) > most_ / 2; }
  // Counts one that was answered.
  void Answered() {
    if (parts_.load(std::memory_order_relaxed) < most_) Add(gain_);
  }

 private:
  static constexpr int64_t kToken = 1000;  // gRPC counts in thousandths, too

  static int64_t Parts(double tokens) {
    return static_cast<int64_t>(std::clamp(tokens, 0.0, 1e6) * kToken);
  }
  int64_t Add(int64_t parts) {
    int64_t before = parts_.load(std::memory_order_relaxed);
    int64_t after;
    do {
      after = std::clamp<int64_t>(before + parts, 0, most_);
    } while (!parts_.compare_exchange_weak(before, after, std::memory_order_relaxed));
    return after;
  }

  const int64_t most_;
  const int64_t gain_;
  std::atomic<int64_t> parts_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_RETRY_BUDGET_H_
