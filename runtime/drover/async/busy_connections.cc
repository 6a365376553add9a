#include "drover/async/busy_connections.h"

#include <algorithm>

#include "drover/async/cpu.h"

namespace drover::async {

BusyConnections::BusyConnections(int cpus)
    : may_be_together_(cpus <= kMostCpusTogether),
      most_apart_(may_be_together_ ? kMostApartWhereTogether : kMostApart) {}

BusyConnections& BusyConnections::Get() {
  static BusyConnections connections(AvailableCpus());
  return connections;
}

void BusyConnections::NoteInput(int64_t last, int64_t now) {
  if (!may_be_together_) return;
  const int64_t window = now / kWindowNanos;
  if (last / kWindowNanos == window) return;  // it was counted
  const int64_t before = window_.exchange(window, std::memory_order_relaxed);
  if (before != window) {
    const int seen = seen_.exchange(0, std::memory_order_relaxed);
    seen_before_.store(before + 1 == window ? seen : 0, std::memory_order_relaxed);
  }
  const int seen = seen_.fetch_add(1, std::memory_order_relaxed) + 1;
  const int busy = std::max(seen, seen_before_.load(std::memory_order_relaxed)) + apart();
  if (busy > most_apart_ && now >= not_before_.load(std::memory_order_relaxed)) {
    until_.store(now + kTogetherNanos, std::memory_order_relaxed);
    together_.store(true, std::memory_order_relaxed);
  } else if (now >= until_.load(std::memory_order_relaxed)) {
    together_.store(false, std::memory_order_relaxed);
  }
}

void BusyConnections::NoteTurn(int64_t nanos, int64_t now) {
  int turns = long_turns_.load(std::memory_order_relaxed);
  turns = nanos > kLongTurnNanos ? turns + 1 : std::max(turns - 1, 0);
  if (turns == kLongTurns) {
    turns = 0;
    not_before_.store(now + kApartNanos, std::memory_order_relaxed);
    together_.store(false, std::memory_order_relaxed);
  }
  long_turns_.store(turns, std::memory_order_relaxed);
  // Those that were busy may be gone without a word.
  if (now >= until_.load(std::memory_order_relaxed)) {
    together_.store(false, std::memory_order_relaxed);
  }
}

bool BusyConnections::BeginApart() {
  if (together()) return false;
  if (apart_.Enter() <= most_apart_) return true;
  EndApart();
  return false;
}

}  // namespace drover::async
