// What the current thread is doing for the runtime.
//
// A thread of the runtime may hold *batons*: the reading of a connection, the waiting in epoll.
// While it runs user code inline it may keep them, because most calls come back at once; when one
// does not, the batons are handed to another thread, either by the wait inside Drover that the
// user's code enters (BlockingScope) or by the monitor, which notices code that blocks elsewhere.
//
// InlineSlot is thread-safe; ThreadContext belongs to its thread.
#ifndef DROVER_ASYNC_THREAD_CONTEXT_H_
#define DROVER_ASYNC_THREAD_CONTEXT_H_

#include <atomic>
#include <cstdint>

#include "drover/async/cancellation.h"
#include "drover/async/crowd.h"
#include "drover/async/executor.h"
#include "drover/async/inline_clock.h"
#include "drover/async/spin_budget.h"
#include "drover/async/yield_budget.h"
#include "drover/base/ref.h"

namespace drover {
class Batch;  // rpc/batch.h
}

namespace drover::async {

class Monitor;
class Reactor;
class ThreadPool;

// Something a thread holds and another can take over.
class Baton : public base::RefCounted {
 public:
  // Arranges that another thread goes on; never runs user code, never blocks.
  virtual void HandOver() = 0;
};

class InlineSlot {
 public:
  explicit InlineSlot(Monitor* monitor) : monitor_(monitor) {}

  // User code starts on this thread, which holds `reading` and `reactor`, unless they are null.
  void Begin(Baton* reading, Baton* reactor);
  // It came back. False if the batons have been handed over meanwhile.
  [[nodiscard]] bool End();
  // Hands the batons over if user code runs; for the thread itself, before it waits.
  void HandOver();

  // Whose code runs, as whoever began the run names it; 0 for nobody's. Of the thread itself, which
  // does not change it once the run was handed over.
  void set_subject(uint64_t subject) { subject_ = subject; }
  uint64_t subject() const { return subject_; }

  // For the thread itself: whether user code runs and the reading has not been handed over.
  bool KeepsReading() const { return reading_ != nullptr && LastRun().under_way; }
  // For the monitor: the number of the last run that began, and whether it is under way.
  struct Run {
    uint64_t number;
    bool under_way;
  };
  Run LastRun() const {
    const uint64_t state = state_.load(std::memory_order_seq_cst);
    return {state >> 2, (state & kPhaseMask) == kRunning};
  }
  // Hands over if run number `run` is still under way.
  void HandOverIfStill(uint64_t run);

 private:
  // The number of the run in the high bits, its phase in the low two.
  enum Phase : uint64_t { kIdle = 0, kRunning = 1, kHandingOver = 2, kPhaseMask = 3 };

  Monitor* const monitor_;
  std::atomic<uint64_t> state_{0};
  // Set before a run by its thread; read by whoever moved the state to kHandingOver, which the
  // thread waits out before it ends the run.
  Baton* reading_ = nullptr;
  Baton* reactor_ = nullptr;
  uint64_t subject_ = 0;
};

struct ThreadContext {
  static ThreadContext& Current() { return current_ != nullptr ? *current_ : OfNewThread(); }

  InlineSlot* slot = nullptr;              // threads of a runtime only
  ThreadPool* pool = nullptr;              // likewise
  Reactor* reactor = nullptr;              // while the thread holds that baton
  int collected = 0;                       // 1 after a result was taken without waiting
  uint32_t waits = 0;                      // how often it has waited inside Drover
  int blocked_depth = 0;                   // nesting of ThreadPool::EnterBlocked
  Executor* executor = nullptr;            // where continuations of the running code belong
  Cancellation* cancellation = nullptr;    // of the call whose servant is running
  bool may_run_user_code = true;           // what may wait; see NoUserCodeScope
  Batch* batch = nullptr;                  // the innermost that the thread has made
  Crowd crowd;                             // for its polling
  InlineClock clock;                       // for the calls that it runs
  YieldBudget greeting{/*enabled=*/true};  // for its waits for what new clients say
  SpinBudget follow{/*limit_ns=*/1000};    // whether to stay awake while others read

 private:
  static ThreadContext& OfNewThread();

  static inline thread_local constinit ThreadContext* current_ = nullptr;
};

// Around every wait of Drover's: hands over the thread's batons, and tells the pool that this
// thread is out of work's way.
class BlockingScope {
 public:
  BlockingScope();
  ~BlockingScope();
  BlockingScope(const BlockingScope&) = delete;
  BlockingScope& operator=(const BlockingScope&) = delete;

 private:
  ThreadPool* const pool_;
};

// Makes `executor` and `cancellation` current for a scope, in which user code runs.
class UserCodeScope {
 public:
  UserCodeScope(Executor* executor, Cancellation* cancellation)
      : context_(ThreadContext::Current()),
        executor_(context_.executor),
        cancellation_(context_.cancellation),
        may_run_user_code_(context_.may_run_user_code) {
    context_.executor = executor;
    context_.cancellation = cancellation;
    context_.may_run_user_code = true;
  }
  ~UserCodeScope() {
    context_.executor = executor_;
    context_.cancellation = cancellation_;
    context_.may_run_user_code = may_run_user_code_;
  }
  UserCodeScope(const UserCodeScope&) = delete;
  UserCodeScope& operator=(const UserCodeScope&) = delete;

 private:
  ThreadContext& context_;
  Executor* const executor_;
  Cancellation* const cancellation_;
  const bool may_run_user_code_;
};

// Around what drives I/O: others wait for this thread, so what may wait itself, such as a servant's
// destructor, goes to the pool. A UserCodeScope within lifts it.
class NoUserCodeScope {
 public:
  NoUserCodeScope()
      : context_(ThreadContext::Current()), may_run_user_code_(context_.may_run_user_code) {
    context_.may_run_user_code = false;
  }
  ~NoUserCodeScope() { context_.may_run_user_code = may_run_user_code_; }
  NoUserCodeScope(const NoUserCodeScope&) = delete;
  NoUserCodeScope& operator=(const NoUserCodeScope&) = delete;

 private:
  ThreadContext& context_;
  const bool may_run_user_code_;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_THREAD_CONTEXT_H_
