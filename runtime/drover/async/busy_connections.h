// How many connections of this process are busy at a time, that is: have input many times in a row,
// each soon after the last; and so whether each of them gets a thread of its own
// (dedicated_reader.h), or one thread serves all.
//
// Where more threads are busy than there are CPUs, a thread for each connection means that every
// message costs a switch between threads. With few CPUs it is better then that the thread in the
// reactor serves all busy connections in turn, and polls while none has input (Reactor::Run). With
// many CPUs one thread would be too few; and the same holds where the calls take long.
//
//   BusyMeter meter;                                      // one for each connection
//   read_.busy = meter.NoteReady();                       // when the reactor has found input
//   if (BusyConnections::Get().together()) return;        // not a thread of its own
//   if (!read_.place.Take()) return;                      // nor if enough others have one
//
// BusyMeter and PlaceApart are thread-compatible, BusyConnections thread-safe: what it counts is as
// exact as need be.
#ifndef DROVER_ASYNC_BUSY_CONNECTIONS_H_
#define DROVER_ASYNC_BUSY_CONNECTIONS_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "drover/async/steady_clock.h"
#include "drover/base/thread_count.h"

namespace drover::async {

class BusyConnections {
 public:
  static constexpr int kMostCpusTogether = 3;
  // How many have a thread of their own at most.
  static constexpr int kMostApartWhereTogether = 2;
  static constexpr int kMostApart = 16;
  // Connections count as busy at the same time if they are within so long.
  static constexpr int64_t kWindowNanos = 2'000'000;
  // All are served together for at least so long once too many were busy.
  static constexpr int64_t kTogetherNanos = 10'000'000;
  // A connection whose input took longer than this to handle, several times, is better served by a
  // thread of its own; so all are, for so long.
  static constexpr int64_t kLongTurnNanos = 30'000;
  static constexpr int kLongTurns = 8;
  static constexpr int64_t kApartNanos = 100'000'000;

  explicit BusyConnections(int cpus);
  static BusyConnections& Get();  // that of the process

  // Whether the thread in the reactor is to serve all.
  bool together() const { return together_.load(std::memory_order_relaxed); }

  // A busy connection had input, before that at `last`.
  void NoteInput(int64_t last, int64_t now);
  // How long it took to handle what had come for one, while they are served together.
  void NoteTurn(int64_t nanos, int64_t now);

  // Another one gets a thread of its own, or is as others are again. See PlaceApart.
  [[nodiscard]] bool BeginApart();
  void EndApart() { apart_.Leave(); }
  int apart() const { return apart_.value(); }  // how many have one

 private:
  const bool may_be_together_;
  const int most_apart_;
  std::atomic<bool> together_{false};
  base::ThreadCount apart_;
  std::atomic<int> seen_{0};         // in the present window,
  std::atomic<int> seen_before_{0};  // and in the one before
  std::atomic<int64_t> window_{0};
  std::atomic<int64_t> until_{0};       // together at least
  std::atomic<int64_t> not_before_{0};  // apart at least
  std::atomic<int> long_turns_{0};
};

// A connection's place among those of the process that have a thread of their own; or none. It
// belongs to the reading of the connection, and not to the thread: one that is held up in a call
// must not keep it from others.
class PlaceApart {
 public:
  PlaceApart() = default;
  PlaceApart(PlaceApart&& other) noexcept : taken_(std::exchange(other.taken_, false)) {}
  PlaceApart& operator=(PlaceApart&& other) noexcept {
    GiveBack();
    taken_ = std::exchange(other.taken_, false);
    return *this;
  }
  ~PlaceApart() { GiveBack(); }

  // False if there is none left, or one thread serves all.
  [[nodiscard]] bool Take() {
    if (!taken_) taken_ = BusyConnections::Get().BeginApart();
    return taken_;
  }
  void GiveBack() {
    if (std::exchange(taken_, false)) BusyConnections::Get().EndApart();
  }

 private:
  bool taken_ = false;
};

// Whether input keeps arriving soon after the last.
class BusyMeter {
 public:
  bool NoteReady() {
    const int64_t last = last_;
    last_ = SteadyNanos();
    in_a_row_ = last_ - last < kSoonNanos ? in_a_row_ + 1 : 0;
    if (in_a_row_ < kBusyAfter) return false;
    BusyConnections::Get().NoteInput(last, last_);
    return true;
  }
  // It does, as a thread that stayed with the connection has seen.
  void NoteBusy() {
    in_a_row_ = kBusyAfter;
    last_ = SteadyNanos();
  }
  int64_t last() const { return last_; }

 private:
  static constexpr int64_t kSoonNanos = 500'000;
  static constexpr int kBusyAfter = 8;

  int64_t last_ = 0;
  int in_a_row_ = 0;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_BUSY_CONNECTIONS_H_
