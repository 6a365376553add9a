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

#include "drover/base/ref.h"

namespace drover {

namespace async {
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

 private:
  const base::Ref<async::ThreadPool> pool_;
  const base::Ref<async::Reactor> reactor_;
  const base::Ref<async::Timers> timers_;
};

}  // namespace drover

#endif  // DROVER_ASYNC_RUNTIME_H_
