// How many threads of this process are at something.
//
//   ThreadCount sleepers;
//   sleepers.Enter();
//   ... sleep ...
//   sleepers.Leave();
//   if (sleepers.value() >= cpus) ...
//
// A child of fork() begins at 0, whatever its parent's threads were at: it has none of them but the
// one that forked, and that one is not counted any more.
//
// Thread-safe; never blocks. Orders nothing: it is a hint to those who read it.
#ifndef DROVER_BASE_THREAD_COUNT_H_
#define DROVER_BASE_THREAD_COUNT_H_

#include <atomic>
#include <cstdint>

#include "drover/base/fork_generation.h"

namespace drover::base {

class ThreadCount {
 public:
  // How many they are with this one.
  int Enter() {
    const uint64_t now = Generation();
    uint64_t state = state_.load(std::memory_order_relaxed);
    uint64_t next;
    do {
      next = (IsOf(now, state) ? state : now) + 1;
    } while (!state_.compare_exchange_weak(state, next, std::memory_order_relaxed));
    return CountIn(next);
  }
  void Leave() {
    const uint64_t now = Generation();
    uint64_t state = state_.load(std::memory_order_relaxed);
    do {
      if (!IsOf(now, state) || CountIn(state) == 0) return;  // it entered before the fork
    } while (!state_.compare_exchange_weak(state, state - 1, std::memory_order_relaxed));
  }
  int value() const {
    const uint64_t state = state_.load(std::memory_order_relaxed);
    return IsOf(Generation(), state) ? CountIn(state) : 0;
  }

 private:
  static constexpr int kGenerationShift = 32;

  static uint64_t Generation() { return uint64_t{ForkGeneration()} << kGenerationShift; }
  static bool IsOf(uint64_t generation, uint64_t state) {
    return state >> kGenerationShift == generation >> kGenerationShift;
  }
  static int CountIn(uint64_t state) { return static_cast<int>(static_cast<uint32_t>(state)); }

  // The generation of the process that counts in the high half, the count in the low one: in one
  // word, so that threads of a child which find the parent's count at the same time lose none.
  std::atomic<uint64_t> state_{0};
};

}  // namespace drover::base

#endif  // DROVER_BASE_THREAD_COUNT_H_
