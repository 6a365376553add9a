// A thread of the pool that stays with one busy connection: it sleeps in the read itself instead of
// in epoll, which saves a system call for every message. docs/decisions/busy-connections.md.
//
//   if (read_.busy && read_.place.Take()) {              // input comes thick and fast
//     DedicatedReader dedicated;
//     dedicated.Begin(pool);
//     ... read, blocking ...
//   }                                                    // the destructor ends it
//
// Thread-compatible. How many connections have such a thread at a time: busy_connections.h.
#ifndef DROVER_ASYNC_DEDICATED_READER_H_
#define DROVER_ASYNC_DEDICATED_READER_H_

#include "drover/async/thread_pool.h"

namespace drover::async {

class DedicatedReader {
 public:
  DedicatedReader() = default;
  ~DedicatedReader();
  DedicatedReader(const DedicatedReader&) = delete;
  DedicatedReader& operator=(const DedicatedReader&) = delete;

  // The calling thread gives up the reactor, if it has it, and counts as blocked until the end.
  void Begin(ThreadPool& pool);
  bool begun() const { return pool_ != nullptr; }

 private:
  ThreadPool* pool_ = nullptr;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_DEDICATED_READER_H_
