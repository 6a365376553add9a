// Whether other threads want the CPU on which this one polls for something. Then it yields between
// two looks: the others, of which one may be about to bring what is polled for, get on with it, and
// nobody has slept or must be woken.
//
//   Crowd& crowd = ThreadContext::Current().crowd;
//   int64_t now = SteadyNanos();
//   for (uint32_t round = 0; !arrived(); ++round) {
//     if (crowd.WantsYield(round) && !crowd.Yield(&now)) break;    // sleep instead
//   }
//
// It is found out by yielding: where nobody else is ready to run, sched_yield() comes back at once.
// A wait tries that after some rounds, and the answers to short waits are here before. A thread
// that only computes takes a whole slice of time when it is given the CPU, though it would have to
// give way to one that wakes up; so after a turn of others that was long nobody polls nor yields
// for a while (rest.h). A long turn now and then is no reason to, though, where short ones have
// saved more than it cost: the host of a virtual machine takes a CPU away for milliseconds, too,
// and whoever then sleeps and must be woken keeps the others from having short turns.
//
// Thread-compatible; each thread has its own, in its ThreadContext.
#ifndef DROVER_ASYNC_CROWD_H_
#define DROVER_ASYNC_CROWD_H_

#include <algorithm>
#include <cstdint>

#include "drover/async/rest.h"
#include "drover/async/steady_clock.h"

namespace drover::async {

class Crowd {
 public:
  // A turn of others that took longer than this is that of a thread that computes.
  static constexpr int64_t kLongTurnNanos = 500'000;
  // One that took longer than this was a turn at all.
  static constexpr int64_t kTurnNanos = 1'500;
  // What a short turn saves: a part of a sleep and a wake-up, for not each brings what is waited
  // for. And how much of that long turns may cost before anybody rests.
  static constexpr int64_t kSavedNanos = 5'000;
  static constexpr int64_t kMostSavedNanos = 20'000'000;

  // Whether others have lately had turns when this thread yielded.
  bool crowded() const { return credit_ > 0; }
  // Whether to yield after round number `round` of a wait.
  bool WantsYield(uint32_t round) const {
    return crowded() || round % kProbeEvery == kProbeEvery - 1;
  }
  // Yields; `now` is the time, before and after. False, if it had better sleep.
  bool Yield(int64_t* now);

  // Whether it had better sleep than poll or yield.
  bool Rests(int64_t now) const { return rest_.Rests(now); }
  // The others had a turn of that length, which ended then.
  void NoteTurn(int64_t nanos, int64_t now) {
    if (nanos > kLongTurnNanos) {
      saved_ -= nanos;
      if (saved_ >= 0) return;
      saved_ = 0;
      rest_.NoteLong(nanos, now);
      return;
    }
    rest_.NoteShort();
    if (nanos > kTurnNanos) {
      credit_ = kMaxCredit;
      saved_ = std::min(saved_ + kSavedNanos, kMostSavedNanos);
    } else if (credit_ > 0) {
      --credit_;
    }
  }

 private:
  static constexpr uint32_t kProbeEvery = 4;
  static constexpr int kMaxCredit = 16;

  Rest rest_;
  int64_t saved_ = 0;  // by short turns, beyond what long ones have cost
  int credit_ = 0;
};

// Lets others run until `done` or for about so long; false if it was not done by then.
template <class F>
bool YieldUntil(Crowd& crowd, int64_t nanos, F&& done) {
  int64_t now = SteadyNanos();
  const int64_t give_up = now + nanos;
  while (!done()) {
    if (now >= give_up || !crowd.Yield(&now)) return done();
  }
  return true;
}

}  // namespace drover::async

#endif  // DROVER_ASYNC_CROWD_H_
