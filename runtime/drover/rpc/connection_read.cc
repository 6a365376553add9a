// Who reads a connection. (The runtime's part of the reading is in connection_runtime.cc, what
// becomes of the frames in connection_frames.cc.)
//
// The read token passes between the threads that wait for answers (leader and followers), the
// reactor, and threads that resume reading after an inline call did not come back. It is never let
// go while a whole frame is left in the buffer: nothing would wake anybody for that.
#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/async/cpu.h"
#include "drover/async/parker.h"
#include "drover/async/steady_clock.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/async/timers.h"
#include "drover/base/log.h"
#include "drover/base/thread_count.h"
#include "drover/rpc/batch.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/spare_memory_watch.h"

namespace drover::rpc {
namespace {

// A thread that lets others run while it waits may do so for longer than one that only polls.
constexpr int64_t kCrowdedSpin = 4;
// Looks for input between two at everything else: system calls, or at memory.
constexpr int kPolls = 8;
constexpr int kPollsOfMemory = 32;

// Callers of this process that sleep in a read. Where they are many an answer takes longer, for all
// of them are woken one by one; a wait that polls for it must be ready to do so for longer, or none
// ever finds out that polling would save all that.
constinit base::ThreadCount sleeping_callers;

bool ManySleep() { return sleeping_callers.value() >= async::AvailableCpus(); }

// No longer than until the deadline.
int64_t Within(absl::Time deadline, int64_t nanos) {
  if (nanos == 0 || deadline == absl::InfiniteFuture()) return nanos;
  return std::clamp<int64_t>(absl::ToInt64Nanoseconds(deadline - absl::Now()), 0, nanos);
}

inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ReadResult Connection::ReadOnce(transport::Wait wait) {
  const std::span<std::byte> space = read_.reader.Space();
  const transport::IoResult result = accepts_fds_ || read_.expects_memory
                                         ? ReadWithFds(space, wait)
                                         : SharedMemoryUpgrade::Input(*this).Read(space, wait);
  if (read_.rings != nullptr && read_.rings->HasRoomAgain()) OnWritable();
  if (result.bytes > 0) {
    read_.reader.Fill(result.bytes);
    bytes_read_.store(bytes_read() + result.bytes, std::memory_order_relaxed);
    // To look into a ring costs nothing; and a bell that rang must be heard before epoll waits.
    read_.drained = result.bytes < space.size() && read_.rings == nullptr;
    if (result.bytes >= wire::SpareMemory::kLargePart) KeepSpareMemory(runtime_.timers());
    if (terms_->liveness.pings()) {
      pings_.last_input.store(async::SteadyNanos(), std::memory_order_relaxed);
    }
    return ReadResult::kProgress;
  }
  if (result.would_block) return ReadResult::kNothing;
  if (ended_.load(std::memory_order_acquire)) return ReadResult::kEnded;
  if (result.reason != nullptr) {
    Abort(absl::InvalidArgumentError(result.reason));
  } else if (!result.end) {
    End(absl::ErrnoToStatus(result.error, "reading failed"), /*by_reader=*/true);
  } else if (read_.reader.pending() > 0) {
    const auto reason = absl::StrCat("the peer closed it in the middle of a frame, after ",
                                     read_.reader.pending(), " bytes of it");
    DROVER_LOG(kWarning) << "connection to " << name() << " ended: " << reason;
    End(absl::UnavailableError(reason), /*by_reader=*/true);
  } else {
    End(absl::UnavailableError("the peer closed it"), /*by_reader=*/true);
  }
  return ReadResult::kEnded;
}

ReadResult Connection::SpinForInput(int64_t nanos, const async::FutureCore* core,
                                    absl::Time deadline) {
  async::ThreadContext& context = async::ThreadContext::Current();
  async::Crowd& crowd = context.crowd;
  const int64_t began = async::SteadyNanos();
  int64_t now = began;
  if (crowd.Rests(now)) return ReadResult::kNothing;
  const int most_polls = read_.rings != nullptr ? kPollsOfMemory : kPolls;
  const bool long_wait = crowd.crowded() || (core != nullptr && ManySleep());
  const int64_t usual = long_wait ? kCrowdedSpin * nanos : nanos;
  const int64_t most = Within(deadline, usual);
  const int64_t give_up = now + most;
  // The peer cannot have answered yet if it is one of those that wait for this CPU.
  if (core != nullptr && crowd.crowded()) crowd.Yield(&now);
  for (uint32_t round = 0; now < give_up && !ended_.load(std::memory_order_relaxed); ++round) {
    for (int polls = crowd.crowded() ? 1 : most_polls; polls > 0; --polls) {
      const ReadResult result = ReadOnce(transport::Wait::kDontBlock);
      if (result != ReadResult::kNothing) {
        read_.spin.Report(/*paid=*/true, now - began);  // as of the last look at the clock
        return result;
      }
      CpuRelax();
    }
    // What ends the wait before its time says nothing of what polling brings.
    if (core != nullptr && core->ready()) return ReadResult::kNothing;
    if (context.cancellation != nullptr && context.cancellation->cancelled()) {
      return ReadResult::kNothing;
    }
    // Others wait, or our own input came.
    if (context.reactor != nullptr && context.reactor->HasReady()) return ReadResult::kNothing;
    now = async::SteadyNanos();
    if (crowd.WantsYield(round) && !crowd.Yield(&now)) break;
  }
  // What the last turn of the others brought.
  const ReadResult result = ReadOnce(transport::Wait::kDontBlock);
  const bool paid = result == ReadResult::kProgress;
  if (paid || most == usual) read_.spin.Report(paid, now - began);
  return result;
}

ReadResult Connection::YieldForInput(async::YieldBudget& budget, int64_t worth) {
  if (!budget.Next()) return ReadResult::kNothing;
  const int64_t from = budget.Measures() ? async::SteadyNanos() : 0;
  ReadResult result = ReadResult::kNothing;
  for (int i = 0; i < async::YieldBudget::kMostYields && result == ReadResult::kNothing; ++i) {
    sched_yield();
    result = ReadOnce(transport::Wait::kDontBlock);
  }
  budget.Report(result != ReadResult::kNothing);
  if (from != 0) {
    // Callers that sleep are woken one by one in the same turn; if they yielded it would be short.
    const int64_t most =
        std::min((1 + sleeping_callers.value()) * worth, async::Crowd::kLongTurnNanos);
    budget.ReportTurn(from, async::SteadyNanos(), most);
  }
  return result;
}

// --- callers ------------------------------------------------------------------------------------

void Connection::Drive(async::FutureCore& core, absl::Time deadline) {
  if (InForkedChild()) {
    core.Fail(absl::FailedPreconditionError(
        absl::StrCat("the connection to ", name(), " belongs to the parent process")));
    return;
  }
  const async::Cancellation* cancellation = async::ThreadContext::Current().cancellation;
  const auto done = [&] {
    return core.ready() || ended_.load(std::memory_order_acquire) ||
           (cancellation != nullptr && cancellation->cancelled()) ||
           (deadline != absl::InfiniteFuture() && absl::Now() >= deadline);
  };
  // Nothing waits for a tick when somebody waits for an answer; but calls that others are about to
  // make leave with it.
  if (InCrowd()) {
    int64_t now = async::SteadyNanos();
    async::ThreadContext::Current().crowd.Yield(&now);
  }
  if (Batch* batch = async::ThreadContext::Current().batch; batch != nullptr) batch->Send();
  FlushAll();
  async::Parker& parker = async::Parker::ForThisThread();
  while (!done()) {
    if (TakeToken()) {
      Lead(core, deadline);
      ReleaseTokenAsCaller();
      continue;
    }
    if (YieldAsFollower(core, deadline)) continue;
    Follower self{.parker = &parker, .core = &core};
    core.AddWaiter(&parker);
    bool following;
    {
      base::MutexLock lock(&read_mu_);
      following = token_held_;  // or it was let go meanwhile: try again
      if (following) {
        followers_.push_back(&self);
        followers_wait_.store(true, std::memory_order_seq_cst);
      }
    }
    while (following && !self.promoted && !done()) parker.Park(deadline);
    core.RemoveWaiter();
    if (!following) continue;
    bool leader;
    {
      base::MutexLock lock(&read_mu_);
      leader = self.promoted;
      if (!leader) {
        followers_.erase(std::find(followers_.begin(), followers_.end(), &self));
        followers_wait_.store(!followers_.empty(), std::memory_order_relaxed);
      }
    }
    if (leader) {
      Lead(core, deadline);
      ReleaseTokenAsCaller();
    }
  }
  // Whoever let go of the token may have left it to this thread rather than wake one that sleeps.
  if (followers_wait_.load(std::memory_order_seq_cst) &&
      yielding_.load(std::memory_order_seq_cst) == 0) {
    base::MutexLock lock(&read_mu_);
    if (!token_held_ && stream_ != nullptr) PromoteFollower();
  }
}

// Whether other threads wait for answers here, and for this CPU.
bool Connection::InCrowd() const {
  return (yielding_.load(std::memory_order_relaxed) > 0 ||
          token_held_.load(std::memory_order_relaxed)) &&
         async::ThreadContext::Current().crowd.crowded();
}

// Whoever reads handles this thread's answer too. It does not ask to be woken: if it gets along by
// letting others run it neither sleeps nor costs the reader anything.
bool Connection::YieldAsFollower(const async::FutureCore& core, absl::Time deadline) {
  async::ThreadContext& context = async::ThreadContext::Current();
  const int64_t nanos = runtime_.spin_nanos();
  if (nanos == 0 || context.cancellation != nullptr || context.follow.Next() == 0) return false;
  yielding_.fetch_add(1, std::memory_order_seq_cst);
  const int64_t most = Within(deadline, kCrowdedSpin * nanos);
  const bool done = async::YieldUntil(context.crowd, most, [&] {
    return core.ready() || !token_held_.load(std::memory_order_relaxed) ||
           ended_.load(std::memory_order_relaxed);
  });
  yielding_.fetch_sub(1, std::memory_order_seq_cst);
  if (done || most == kCrowdedSpin * nanos) context.follow.Report(done, /*waited_ns=*/0);
  return done;
}

void Connection::Lead(async::FutureCore& core, absl::Time deadline) {
  const async::Cancellation* cancellation = async::ThreadContext::Current().cancellation;
  // A plain wait sleeps in the read itself; another one must also wake for other reasons.
  const bool plain = cancellation == nullptr && deadline == absl::InfiniteFuture();
  async::Parker& parker = async::Parker::ForThisThread();
  struct Watch {
    async::FutureCore& core;
    bool on = false;
    ~Watch() {
      if (on) core.RemoveWaiter();
    }
  } watch{core};
  // A read that slept brought nothing: its limit is that of a thread which stayed here before, or a
  // bell rang for another reason. It sleeps on.
  bool sleeps_on = false;
  while (!core.ready() && !ended_.load(std::memory_order_acquire)) {
    ReadResult result = ReadResult::kNothing;
    if (const int64_t nanos = sleeps_on ? 0 : read_.spin.Next(); nanos > 0) {
      result = SpinForInput(nanos, &core, deadline);
      if (core.ready() && result == ReadResult::kNothing) return;
    }
    if (result == ReadResult::kNothing && !sleeps_on) {
      result = YieldForInput(read_.yield, async::YieldBudget::kWorthNanos);
    }
    if (result == ReadResult::kNothing) {
      if (core.ready()) return;
      // Results that are kept here may be given to the caller by a thread that does not read.
      const bool elsewhere = takes_answers_.load(std::memory_order_acquire);
      if (plain && !elsewhere) {
        sleeping_callers.Enter();
        result = ReadOnce(transport::Wait::kBlock);
        sleeping_callers.Leave();
        sleeps_on = result == ReadResult::kNothing;
      } else {
        sleeps_on = false;
        if (elsewhere && !std::exchange(watch.on, true)) core.AddWaiter(&parker);
        if (cancellation != nullptr && cancellation->cancelled()) return;
        if (absl::Now() >= deadline) return;
        if (SharedMemoryUpgrade::ParkForInput(*this, parker, deadline)) {
          result = ReadOnce(transport::Wait::kDontBlock);
        }
      }
    }
    if (result == ReadResult::kEnded) return;
    if (result == ReadResult::kProgress) HandleFrames(/*reader=*/nullptr);
  }
}

bool Connection::TakeToken() {
  if (token_held_.load(std::memory_order_relaxed)) return false;  // to be asked for again
  base::MutexLock lock(&read_mu_);
  if (token_held_ || stream_ == nullptr) return false;
  token_held_.store(true, std::memory_order_relaxed);
  ++uses_;
  SetInterest(interest_ & ~uint32_t{EPOLLIN});
  return true;
}

void Connection::ReleaseTokenAsCaller() {
  {
    base::MutexLock lock(&read_mu_);
    if (!ended_.load(std::memory_order_acquire)) {
      // One that is awake takes the token by itself.
      if (yielding_.load(std::memory_order_seq_cst) == 0 && PromoteFollower()) return;
      token_held_.store(false, std::memory_order_relaxed);
      // The peer may call what it has of us at any time, and some answers nobody waits for;
      // otherwise a tick soon sees whether this caller comes back.
      if (unattended_.load(std::memory_order_relaxed) > 0 ||
          has_exports_.load(std::memory_order_acquire) ||
          (read_.rings != nullptr && read_.rings->WantsRoom())) {
        WatchForInput();
      }
    } else {
      token_held_.store(false, std::memory_order_relaxed);
    }
  }
  if (ended_.load(std::memory_order_acquire)) {
    CloseStreamIfUnused();
  } else {
    RequestTick();
  }
}

void Connection::AddUnattended() {
  if (InForkedChild()) return;
  unattended_.fetch_add(1, std::memory_order_relaxed);
  FlushAll();
  base::MutexLock lock(&read_mu_);
  // Whoever holds the token sees the count, under this lock, when letting go of it.
  if (token_held_ || stream_ == nullptr || ended_.load(std::memory_order_acquire)) return;
  WatchForInput();
}

bool Connection::PromoteFollower() {
  // Whose answer is here is about to leave, and would only pass the token on.
  const auto waiting = std::find_if(followers_.begin(), followers_.end(),
                                    [](const Follower* f) { return !f->core->ready(); });
  if (waiting == followers_.end()) return false;
  Follower* const next = *waiting;
  followers_.erase(waiting);
  followers_wait_.store(!followers_.empty(), std::memory_order_seq_cst);
  token_held_ = true;
  next->promoted = true;
  next->parker->Unpark();
  return true;
}

}  // namespace drover::rpc
