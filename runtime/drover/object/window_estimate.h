// How many bytes of streaming calls to one object may be on their way at a time.
//
// Enough to keep the object busy: the bandwidth, in bytes answered per time, times the delay of a
// call that meets no queue. More would only wait in queues, at the cost of memory. It is the
// principle of the congestion control BBR (N. Cardwell and others, "BBR: Congestion-Based
// Congestion Control", ACM Queue 14(5), 2016), with answers in the place of acknowledgements:
//
// - A *round* begins with a call and ends with its answer. What was answered in between, divided by
//   the time, is a sample of the bandwidth; the largest of the last 8 rounds counts. A round in
//   which no sender was held back says nothing about what the object could take, and counts only if
//   it is larger than those.
// - The delay is the shortest round since the stream was last idle: later ones contain the queue
//   that the window itself makes.
// - The window is twice their product, within [64 KiB, 16 MiB]. While it is what limits the sender
//   each round doubles it; when the bandwidth stops growing with it, it stays; when the receiver
//   slows down it shrinks again.
//
// Pure: no clock and no lock. Thread-compatible.
#ifndef DROVER_OBJECT_WINDOW_ESTIMATE_H_
#define DROVER_OBJECT_WINDOW_ESTIMATE_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace drover::object {

class WindowEstimate {
 public:
  static constexpr size_t kLeastBytes = 64 << 10;
  static constexpr size_t kMostBytes = 16 << 20;

  size_t bytes() const { return bytes_; }

  // Call number `call` leaves; numbers rise. `idle`: none is unanswered.
  void OnSent(uint64_t call, int64_t now_nanos, bool idle);
  // A sender has to wait for room.
  void OnLimited() { limited_ = true; }
  // Call number `call` is answered, with an error or not.
  void OnAnswered(uint64_t call, size_t bytes, int64_t now_nanos);

 private:
  static constexpr size_t kRounds = 8;

  void EndRound(int64_t now_nanos);

  size_t bytes_ = kLeastBytes;
  uint64_t answered_ = 0;  // bytes, ever

  bool in_round_ = false;
  uint64_t round_call_ = 0;      // its answer ends the round
  int64_t round_begin_ = 0;      // when it left
  uint64_t round_answered_ = 0;  // answered_ then
  bool limited_ = false;         // a sender waited in this round

  int64_t delay_ = 0;                            // nanoseconds; 0: not known
  std::array<double, kRounds> bandwidths_ = {};  // bytes per nanosecond, of the last rounds
  size_t next_ = 0;
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_WINDOW_ESTIMATE_H_
