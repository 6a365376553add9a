#include "drover/base/mutex.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "absl/time/clock.h"

namespace drover::base {
namespace {

// Locks are held for a tenth of a microsecond, and to be put to sleep and woken costs ten: so look
// again for about as long as a holder on another CPU needs.
constexpr int kLooks = 32;

inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "a futex is four bytes");

// The time by `clock`, and so much later.
timespec Later(clockid_t clock, absl::Duration by) {
  timespec now;
  clock_gettime(clock, &now);
  return absl::ToTimespec(absl::DurationFromTimespec(now) + by);
}

// Sleeps unless `futex` is something else than `expected`, until it is woken or until `deadline`,
// if that is not null, by `clock` (CLOCK_REALTIME, which absl::Now reads, or CLOCK_MONOTONIC).
// False if the deadline passed.
bool Sleep(std::atomic<uint32_t>& futex, uint32_t expected, const timespec* deadline,
           clockid_t clock) {
  const int wait = FUTEX_WAIT_BITSET_PRIVATE | (clock == CLOCK_REALTIME ? FUTEX_CLOCK_REALTIME : 0);
#ifdef DROVER_TSAN
  // It holds signals back until a call that it knows of.
  poll(nullptr, 0, 0);
  timespec soon = Later(clock, absl::Milliseconds(20));
  if (deadline == nullptr ||
      absl::DurationFromTimespec(*deadline) > absl::DurationFromTimespec(soon)) {
    syscall(SYS_futex, &futex, wait, expected, &soon, nullptr, FUTEX_BITSET_MATCH_ANY);
    poll(nullptr, 0, 0);
    return true;
  }
#endif
  return syscall(SYS_futex, &futex, wait, expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY) ==
             0 ||
         errno != ETIMEDOUT;
}

void WakeUp(std::atomic<uint32_t>& futex, int most) {
  syscall(SYS_futex, &futex, FUTEX_WAKE_PRIVATE, most, nullptr, nullptr, 0);
}

}  // namespace

void Mutex::LockContended() {
  for (int i = 0; i < kLooks; ++i) {
    CpuRelax();
    if (state_.load(std::memory_order_relaxed) == kFree && TryAcquire()) return;
  }
  // Whoever has slept cannot know whether others still do.
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
    Sleep(state_, kContended, nullptr, CLOCK_REALTIME);
  }
}

// The mutex may have been locked, unlocked and destroyed since it was released: only its address is
// used, and at worst somebody wakes up without a cause.
void Mutex::WakeOne() { WakeUp(state_, 1); }

bool CondVar::WaitUntil(Mutex* mu, absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return Wait(mu, nullptr, CLOCK_REALTIME);
  const timespec limit = absl::ToTimespec(deadline);
  return Wait(mu, &limit, CLOCK_REALTIME);
}

bool CondVar::WaitFor(Mutex* mu, absl::Duration limit) {
  const timespec deadline = Later(CLOCK_MONOTONIC, limit);
  return Wait(mu, &deadline, CLOCK_MONOTONIC);
}

bool CondVar::Wait(Mutex* mu, const timespec* deadline, clockid_t clock) {
  waiters_.fetch_add(1, std::memory_order_relaxed);
  const uint32_t seen = signals_.load(std::memory_order_relaxed);
  mu->Unlock();
  // A deadline before 1970, which the kernel does not take, has passed.
  const bool in_time =
      (deadline == nullptr || deadline->tv_sec >= 0) && Sleep(signals_, seen, deadline, clock);
  mu->Lock();
  waiters_.fetch_sub(1, std::memory_order_relaxed);
  return !in_time;
}

void CondVar::SignalAll() { Wake(INT_MAX); }

void CondVar::Wake(int most) {
  if (waiters_.load(std::memory_order_relaxed) == 0) return;
  signals_.fetch_add(1, std::memory_order_relaxed);
  WakeUp(signals_, most);
}

}  // namespace drover::base
