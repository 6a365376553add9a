#include "drover/object/window_estimate.h"

#include <algorithm>

namespace drover::object {

void WindowEstimate::OnSent(uint64_t call, int64_t now_nanos, bool idle) {
  if (idle) {
    in_round_ = false;
    delay_ = 0;
  }
  if (in_round_) return;
  in_round_ = true;
  round_call_ = call;
  round_begin_ = now_nanos;
  round_answered_ = answered_;
  limited_ = false;
}

void WindowEstimate::OnAnswered(uint64_t call, size_t bytes, int64_t now_nanos) {
  answered_ += bytes;
  if (in_round_ && call == round_call_) EndRound(now_nanos);
}

void WindowEstimate::EndRound(int64_t now_nanos) {
  in_round_ = false;
  const int64_t nanos = std::max<int64_t>(now_nanos - round_begin_, 1);
  delay_ = delay_ == 0 ? nanos : std::min(delay_, nanos);
  const double bandwidth =
      static_cast<double>(answered_ - round_answered_) / static_cast<double>(nanos);
  double best = *std::max_element(bandwidths_.begin(), bandwidths_.end());
  if (limited_ || bandwidth > best) {
    bandwidths_[next_++ % kRounds] = bandwidth;
    best = *std::max_element(bandwidths_.begin(), bandwidths_.end());
  }
  const double wanted = 2 * best * static_cast<double>(delay_);
  bytes_ = static_cast<size_t>(
      std::clamp(wanted, static_cast<double>(kLeastBytes), static_cast<double>(kMostBytes)));
}

}  // namespace drover::object
