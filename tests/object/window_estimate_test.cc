// The window of a stream, against a model of the way to the receiver and back.
#include "drover/object/window_estimate.h"

#include <algorithm>
#include <cstdint>
#include <deque>

#include "gtest/gtest.h"

namespace drover::object {
namespace {

constexpr size_t kLeast = WindowEstimate::kLeastBytes;
constexpr size_t kMost = WindowEstimate::kMostBytes;
constexpr int64_t kMilli = 1'000'000;

// A sender that always has more to send, and a receiver that takes `bytes_per_milli` and whose
// answers come `delay` nanoseconds after that.
class Path {
 public:
  Path(double bytes_per_milli, int64_t delay) : rate_(bytes_per_milli), delay_(delay) {}

  void set_rate(double bytes_per_milli) { rate_ = bytes_per_milli; }

  // Until so many calls of `size` bytes are answered.
  void Run(WindowEstimate& window, int calls, size_t size) {
    for (int answered = 0; answered < calls; ++answered) {
      while (sent_.empty() || (sent_.size() + 1) * size <= window.bytes()) {
        window.OnSent(next_, now_, sent_.empty());
        receiver_free_ =
            std::max(receiver_free_, now_) +
            static_cast<int64_t>(static_cast<double>(size) / rate_ * static_cast<double>(kMilli));
        sent_.push_back({next_++, receiver_free_ + delay_});
      }
      window.OnLimited();
      now_ = sent_.front().answer;
      const uint64_t call = sent_.front().number;
      sent_.pop_front();
      window.OnAnswered(call, size, now_);
    }
  }

 private:
  struct Call {
    uint64_t number;
    int64_t answer;  // when
  };

  double rate_;
  const int64_t delay_;
  int64_t now_ = 0;
  int64_t receiver_free_ = 0;
  uint64_t next_ = 0;
  std::deque<Call> sent_;
};

TEST(WindowEstimate, BeginsWithTheLeast) { EXPECT_EQ(WindowEstimate().bytes(), kLeast); }

TEST(WindowEstimate, GrowsUntilTheReceiverIsBusy) {
  WindowEstimate window;
  Path path(/*bytes_per_milli=*/100'000, /*delay=*/10 * kMilli);  // a product of 1 MB
  path.Run(window, 5'000, 4'000);
  EXPECT_GE(window.bytes(), 1'000'000u);
  EXPECT_LE(window.bytes(), 3'000'000u);
}

TEST(WindowEstimate, StaysSmallForASlowReceiver) {
  WindowEstimate window;
  Path path(/*bytes_per_milli=*/100, /*delay=*/kMilli);
  path.Run(window, 1'000, 4'000);
  EXPECT_EQ(window.bytes(), kLeast);
}

TEST(WindowEstimate, IsBounded) {
  WindowEstimate window;
  Path path(/*bytes_per_milli=*/10'000'000, /*delay=*/1'000 * kMilli);
  path.Run(window, 100'000, 4'000);
  EXPECT_EQ(window.bytes(), kMost);
}

TEST(WindowEstimate, ShrinksWhenTheReceiverSlowsDown) {
  WindowEstimate window;
  Path path(/*bytes_per_milli=*/100'000, /*delay=*/10 * kMilli);
  path.Run(window, 5'000, 4'000);
  ASSERT_GE(window.bytes(), 1'000'000u);
  path.set_rate(1'000);
  path.Run(window, 5'000, 4'000);
  EXPECT_LE(window.bytes(), 2 * kLeast);
}

TEST(WindowEstimate, IsNotLoweredByASenderThatIsNotHeldBack) {
  WindowEstimate window;
  Path path(/*bytes_per_milli=*/100'000, /*delay=*/10 * kMilli);
  path.Run(window, 5'000, 4'000);
  const size_t before = window.bytes();
  // Now and then a small call, never with nothing on its way.
  int64_t now = 3'600'000 * kMilli;
  window.OnSent(1'000'000, now, false);
  for (uint64_t call = 1'000'001; call < 1'000'100; ++call) {
    window.OnSent(call, now, false);
    now += 10 * kMilli;
    window.OnAnswered(call - 1, 100, now);
  }
  EXPECT_EQ(window.bytes(), before);
}

}  // namespace
}  // namespace drover::object
