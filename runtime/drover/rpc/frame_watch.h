// Until when the message that is arriving must have arrived.
//
//   if (watch.Note(whole, pending)) CallAt(watch.deadline());      // by whoever reads
//   if (now >= watch.deadline()) ...                               // by the timer
//
// Note is for the holder of the read token; deadline is for any thread. The clock is read only
// where a message was left unfinished.
#ifndef DROVER_RPC_FRAME_WATCH_H_
#define DROVER_RPC_FRAME_WATCH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "drover/async/steady_clock.h"
#include "drover/async/timer_set.h"
#include "drover/rpc/limits.h"

namespace drover::rpc {

class FrameWatch {
 public:
  static constexpr int64_t kNever = async::TimerSet::kNever;

  // A moment `patience` from `now`; kNever for one that is too far away to matter.
  static int64_t After(int64_t now, absl::Duration patience) {
    if (patience > absl::Hours(24 * 365)) return kNever;
    return now + absl::ToInt64Nanoseconds(patience);
  }

  // The first message must be whole by then. Before the connection is shared.
  void ExpectFirst(int64_t deadline) {
    first_.store(true, std::memory_order_relaxed);
    deadline_.store(deadline);
  }

  // It is; by whoever reads, before the call in it runs, which may take any time.
  void FirstCame() {
    first_.store(false, std::memory_order_relaxed);
    deadline_.store(kNever);
  }

  // What was read has been handled: whether a message was `whole`, and the bytes of one that is
  // not yet. True if the deadline has come into being.
  bool Note(bool whole, size_t pending, absl::Duration patience) {
    if (first_.load(std::memory_order_relaxed)) return false;
    if (whole || pending == 0) {
      if (begun_ != 0 || deadline_.load(std::memory_order_relaxed) != kNever) {
        begun_ = 0;
        deadline_.store(kNever);
      }
      if (pending == 0) return false;
    }
    const bool begins = begun_ == 0;
    if (begins) begun_ = async::SteadyNanos();
    const int64_t base = After(begun_, patience);
    if (base == kNever) return false;
    constexpr int64_t kNanosPerKiB = 1'000'000'000 / (Limits::kLeastBytesPerSecond / 1024);
    deadline_.store(base + static_cast<int64_t>(pending / 1024) * kNanosPerKiB);
    return begins;
  }

  int64_t deadline() const { return deadline_.load(); }
  bool expects_first() const { return first_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> first_{false};
  int64_t begun_ = 0;
  std::atomic<int64_t> deadline_{kNever};
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_FRAME_WATCH_H_
