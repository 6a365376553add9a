// A thread of the pool that stays with one busy connection: it sleeps in the read itself instead of
// in epoll, which saves a system call for every message. docs/decisions/busy-connections.md.
//
//   BusyMeter meter;                                     // one for each connection
//   if (meter.NoteReady()) {                             // input comes thick and fast
//     DedicatedReader dedicated;
//     if (dedicated.Begin(pool)) { ... read, blocking ... }
//   }                                                    // the destructor ends it
//
// Thread-compatible. At most kMostDedicated threads of a process do this at a time.
#ifndef DROVER_ASYNC_DEDICATED_READER_H_
#define DROVER_ASYNC_DEDICATED_READER_H_

#include <cstdint>

#include "drover/async/steady_clock.h"
#include "drover/async/thread_pool.h"

namespace drover::async {

// Whether input keeps arriving soon after the last.
class BusyMeter {
 public:
  bool NoteReady() {
    const int64_t now = SteadyNanos();
    in_a_row_ = now - last_ < kSoonNanos ? in_a_row_ + 1 : 0;
    last_ = now;
    return in_a_row_ >= kBusyAfter;
  }
  // It does, as a thread that stayed with the connection has seen.
  void NoteBusy() {
    in_a_row_ = kBusyAfter;
    last_ = SteadyNanos();
  }

 private:
  static constexpr int64_t kSoonNanos = 500'000;
  static constexpr int kBusyAfter = 8;

  int64_t last_ = 0;
  int in_a_row_ = 0;
};

class DedicatedReader {
 public:
  static constexpr int kMostDedicated = 16;

  DedicatedReader() = default;
  ~DedicatedReader();
  DedicatedReader(const DedicatedReader&) = delete;
  DedicatedReader& operator=(const DedicatedReader&) = delete;

  // False if enough threads do it already. The calling thread gives up the reactor, if it has it,
  // and counts as blocked until the end.
  [[nodiscard]] bool Begin(ThreadPool& pool);
  bool begun() const { return pool_ != nullptr; }

 private:
  ThreadPool* pool_ = nullptr;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_DEDICATED_READER_H_
