// For how long nobody polls nor lets others run because a turn of theirs was long: a thread that
// only computes takes a whole slice of time when it is given the CPU. As long as that turn was,
// four times as long if that happens once more, and so on up to a hundred times, which bounds what
// is lost to one part in a hundred. Many short turns in a row show that the others are gone.
//
//   Rest rest;
//   if (rest.Rests(now)) ...              // sleep instead
//   rest.NoteLong(nanos, now);            // or NoteShort()
//
// Thread-compatible.
#ifndef DROVER_ASYNC_REST_H_
#define DROVER_ASYNC_REST_H_

#include <algorithm>
#include <cstdint>

namespace drover::async {

class Rest {
 public:
  // A turn counts as so long at most: a process that was stopped for an hour is to rest no longer.
  static constexpr int64_t kLongestTurn = 10'000'000;

  bool Rests(int64_t now) const { return now < until_; }
  // Whether there was a long turn that enough short ones have not made up for.
  bool wary() const { return times_ > 1; }

  // A turn of so many nanoseconds ended at `now`.
  void NoteLong(int64_t nanos, int64_t now) {
    until_ = now + times_ * std::min(nanos, kLongestTurn);
    times_ = std::min(4 * times_, kMostTimes);
    short_ = 0;
  }
  void NoteShort() {
    if (++short_ % kManyShort == 0) times_ = std::max(times_ / 4, 1);
  }

 private:
  static constexpr int kMostTimes = 100;
  static constexpr uint32_t kManyShort = 1024;

  int64_t until_ = 0;
  int times_ = 1;
  uint32_t short_ = 0;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_REST_H_
