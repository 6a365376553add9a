// When which handler wants to be called: ids and moments, soonest first.
//
//   if (timers.Add(id, now + patience)) WakeUp();      // nothing was due sooner
//   for (uint64_t id : timers.TakeDue(now)) ...
//
// An id has one moment; of two that are asked for, the sooner counts. Moments are those of
// SteadyNanos. Thread-compatible; never blocks.
#ifndef DROVER_ASYNC_TIMER_SET_H_
#define DROVER_ASYNC_TIMER_SET_H_

#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace drover::async {

class TimerSet {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // True if `when` is now the soonest of all.
  bool Add(uint64_t id, int64_t when) {
    auto [it, added] = by_id_.try_emplace(id, when);
    if (!added) {
      if (it->second <= when) return false;
      order_.erase({it->second, id});
      it->second = when;
    }
    order_.insert({when, id});
    return order_.begin()->second == id;
  }

  void Remove(uint64_t id) {
    auto it = by_id_.find(id);
    if (it == by_id_.end()) return;
    order_.erase({it->second, id});
    by_id_.erase(it);
  }

  int64_t Soonest() const { return order_.empty() ? kNever : order_.begin()->first; }

  // Takes what is due off the list, soonest first.
  std::vector<uint64_t> TakeDue(int64_t now) {
    std::vector<uint64_t> due;
    while (!order_.empty() && order_.begin()->first <= now) {
      due.push_back(order_.begin()->second);
      by_id_.erase(order_.begin()->second);
      order_.erase(order_.begin());
    }
    return due;
  }

 private:
  std::set<std::pair<int64_t, uint64_t>> order_;
  absl::flat_hash_map<uint64_t, int64_t> by_id_;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_TIMER_SET_H_
