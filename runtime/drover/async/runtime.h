// The threads of a process that serve its connections: a pool, and a reactor that one of them
// waits in. Most programs never name it; there is a default one.
//
//   drover::Runtime runtime({.max_threads = 64});      // or Runtime::Default()
//   auto server = drover::Serve(endpoint, servant, {.runtime = &runtime});
//
// Thread-safe. No thread is started before the first connection or server. A runtime outlives what
// was made with it; its destructor waits for its threads. The default one is never destroyed, and
// a child made by fork() gets a new one.
#ifndef DROVER_ASYNC_RUNTIME_H_
#define DROVER_ASYNC_RUNTIME_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "drover/base/ref.h"

namespace drover {

namespace async {
class DispatchPredictor;
class Reactor;
class ThreadPool;
class Timers;

// The pool that the calling thread belongs to, or else that of the default runtime.
ThreadPool& CurrentPool();
}  // namespace async

struct RuntimeOptions {
  // Most threads that may run, or be blocked in, user code at a time. Default 512; at least 1. A
  // call for which no thread is left fails with ResourceExhausted.
  int max_threads = 512;
  // For how long a wait for a message polls before it sleeps, where polling pays; from 0, which
  // turns it off, to a second, and what is outside counts as the nearest of the two. Up to four
  // times as long where threads crowd, but never beyond a deadline. Saves a
  // wake-up of 25-30 us where the answer comes sooner, and burns a CPU meanwhile; how long it
  // really polls follows what that has lately saved (async/spin_budget.h). Default: what the
  // environment variable DROVER_SPIN says, in microseconds; without it 50 us.
  std::optional<absl::Duration> spin = std::nullopt;
};

class Runtime {
 public:
  explicit Runtime(RuntimeOptions options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  static Runtime& Default();

  // Whether the process has built its default runtime: from then on it has threads.
  static bool DefaultExists();

  async::Reactor& reactor() { return *reactor_; }
  async::ThreadPool& pool() { return *pool_; }
  async::Timers& timers() { return *timers_; }
  async::DispatchPredictor& predictor() { return *predictor_; }
  // What RuntimeOptions::spin came to, in nanoseconds.
  int64_t spin_nanos() const { return spin_nanos_; }

 private:
  const int64_t spin_nanos_;
  const std::unique_ptr<async::DispatchPredictor> predictor_;
  const base::Ref<async::ThreadPool> pool_;
  const base::Ref<async::Reactor> reactor_;
  const base::Ref<async::Timers> timers_;
};

}  // namespace drover

#endif  // DROVER_ASYNC_RUNTIME_H_
