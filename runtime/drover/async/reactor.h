// Waits for descriptors with epoll. The waiting is a baton: one thread of the pool holds it at a
// time and runs what it finds ready itself; another takes over when that does not come back.
//
//   uint64_t id = reactor.Register(handler);
//   reactor.Watch(id, fd, 0, EPOLLIN);        // from watching nothing to watching for input
//   ...
//   reactor.Watch(id, fd, EPOLLIN, 0);
//   reactor.Unregister(id);
//
// Level-triggered; polls before it sleeps while that pays. Where one thread serves many busy
// connections (busy_connections.h), input that lies in memory is looked for, too: as long as that
// thread is awake the descriptor need not tell (LookAt). Thread-safe; only Run blocks. Handlers are
// kept until removed; OnReady may be called once more by a thread that had already begun, and one
// that is looked at is kept, and asked, until that ends.
#ifndef DROVER_ASYNC_REACTOR_H_
#define DROVER_ASYNC_REACTOR_H_

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "drover/async/spin_budget.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/async/timer_set.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/base/unique_fd.h"

namespace drover::async {

// What a descriptor belongs to. As a Baton it is the reading of that descriptor.
class EventHandler : public Baton {
 public:
  // `events` as epoll gives them. May run user code inline, if it tells the thread's InlineSlot.
  virtual void OnReady(uint32_t events) = 0;
  // Called about a millisecond after RequestTick, and again, more and more rarely (up to every 8
  // ms), until it returns false. Runs no user code.
  virtual bool OnTick() { return false; }
  // Called once after CallAt, at that moment or soon after. Runs no user code.
  virtual void OnTimer() {}

  // Of one that is looked at (Reactor::LookAt), by the thread that holds the reactor's baton:
  // whether input is there,
  virtual bool HasInput() { return false; }
  // that it is, where its descriptor may not have told; as OnReady,
  virtual void OnInput() {}
  // and that from now on its descriptor tells. False if there is input already.
  virtual bool StopLooking() { return true; }

 private:
  friend class Reactor;
  // Of whoever holds the reactor's baton.
  bool looked_at_ = false;
  int64_t look_until_ = 0;
};

class Reactor final : public Baton {
 public:
  // `spin_ns`: the longest poll of a wait; with one CPU it lets others run instead.
  Reactor(base::Ref<ThreadPool> pool, int64_t spin_ns);
  ~Reactor() override;

  uint64_t Register(base::Ref<EventHandler> handler);
  void Unregister(uint64_t id);
  // Changes what is watched of `fd`; 0 is nothing, not even that the peer hung up. The caller
  // knows, and serialises, what is watched at present.
  void Watch(uint64_t id, int fd, uint32_t from, uint32_t to);
  void RequestTick(uint64_t id);
  // Asks for OnTimer at `when` (SteadyNanos). Of several requests of one handler that are pending
  // the soonest counts. While none is pending, timers cost nothing.
  void CallAt(uint64_t id, int64_t when);
  // Takes back what CallAt asked for. The waiting may still wake once, at that time, if it had
  // begun.
  void ForgetCall(uint64_t id);
  // Whether anything watched or looked at is ready now; for the thread that holds the baton.
  bool HasReady();
  // By the thread that holds the baton, as by a handler that it called: `handler` is asked for its
  // input again and again, until it had none for half a millisecond from `now` (SteadyNanos), or
  // the waiting sleeps; it is told then (StopLooking).
  void LookAt(EventHandler& handler, int64_t now);

  void HandOver() override;  // lets another thread of the pool wait

  // Ends the waiting; the thread that holds the baton leaves soon.
  void Stop();

 private:
  void Run();
  // How many events epoll_wait gave; 0 if there is input for one that is looked at. Nothing, if
  // neither came.
  using Found = std::optional<int>;
  // Polls, as long as that pays; not beyond a timer or tick that is due.
  Found PollUntilDue(epoll_event* events, int interval, bool together);
  struct Limit {
    int64_t nanos;
    int64_t usual;  // what it would be, were nothing due
  };
  Found Poll(epoll_event* events, Limit limit);
  // The same, letting others run between two looks.
  Found YieldingPoll(epoll_event* events, Limit limit);
  // Polls that were cut short by what is due count as one in vain together.
  void ReportPoll(SpinBudget& budget, bool paid, int64_t took, Limit limit);
  // What has come for those that are looked at. The baton may be gone afterwards.
  void HandleLooks();
  // Nobody is looked at any more. False if input has come, and was handled: the baton may be gone,
  // or some are still looked at.
  bool StopLooks();
  bool LookFindsInput() const;
  base::Ref<EventHandler> TakeLook(size_t at);
  void RunTicks();
  void RunTimers(int64_t now);
  int WaitMillis(int interval) const;
  base::Ref<EventHandler> Find(uint64_t id);
  void WakeUp();

  const base::Ref<ThreadPool> pool_;
  base::UniqueFd epoll_;
  base::UniqueFd wake_;
  std::atomic<bool> stopping_{false};
  SpinBudget spin_;           // of the thread that waits
  SpinBudget together_spin_;  // of the same, where it serves many busy connections
  int64_t cut_nanos_ = 0;     // for how long polls that were cut short have lasted
  static constexpr int kNoTicks = -1;
  std::atomic<int> tick_millis_{kNoTicks};             // until the next one, as epoll takes it
  std::atomic<int64_t> next_timer_{TimerSet::kNever};  // the soonest of timers_
  std::vector<std::pair<uint64_t, base::Ref<EventHandler>>>
      due_;                                     // empty; RunTicks uses its memory
  std::vector<base::Ref<EventHandler>> looks_;  // of whoever holds the baton
  base::Mutex mu_;
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  absl::flat_hash_map<uint64_t, base::Ref<EventHandler>> handlers_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<uint64_t> ticks_ ABSL_GUARDED_BY(mu_);
  bool tick_requested_ ABSL_GUARDED_BY(mu_) = false;  // since the last tick began
  bool lingered_ ABSL_GUARDED_BY(mu_) = true;         // there was a tick that nobody wanted
  TimerSet timers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_REACTOR_H_
