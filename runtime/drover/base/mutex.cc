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

// Sleeps unless `futex` is something else than `expected`, until it is woken or until `deadline`,
// if that is not null, by the clock that absl::Now reads. False if the deadline passed.
bool Sleep(std::atomic<uint32_t>& futex, uint32_t expected, const timespec* deadline) {
#ifdef DROVER_TSAN
  // It holds signals back until a call that it knows of.
  poll(nullptr, 0, 0);
  timespec soon = absl::ToTimespec(absl::Now() + absl::Milliseconds(20));
  if (deadline == nullptr || absl::TimeFromTimespec(*deadline) > absl::TimeFromTimespec(soon)) {
    syscall(SYS_futex, &futex, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, expected, &soon,
            nullptr, FUTEX_BITSET_MATCH_ANY);
    poll(nullptr, 0, 0);
    return true;
  }
#endif
  return syscall(SYS_futex, &futex, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, expected,
                 deadline, nullptr, FUTEX_BITSET_MATCH_ANY) == 0 ||
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
    Sleep(state_, kContended, nullptr);
  }
}

// The mutex may have been locked, unlocked and destroyed since it was released: only its address is
// used, and at worst somebody wakes up without a cause.
void Mutex::WakeOne() { WakeUp(state_, 1); }

bool CondVar::WaitUntil(Mutex* mu, absl::Time deadline) {
  const bool endless = deadline == absl::InfiniteFuture();
  const timespec limit = endless ? timespec{} : absl::ToTimespec(deadline);
  waiters_.fetch_add(1, std::memory_order_relaxed);
  const uint32_t seen = signals_.load(std::memory_order_relaxed);
  mu->Unlock();
  // A deadline before 1970, which the kernel does not take, has passed.
  const bool in_time = limit.tv_sec >= 0 && Sleep(signals_, seen, endless ? nullptr : &limit);
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
