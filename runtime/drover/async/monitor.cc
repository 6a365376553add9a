#include "drover/async/monitor.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "drover/async/runtime_thread.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"

namespace drover::async {
namespace {

constexpr absl::Duration kTick = absl::Microseconds(200);
constexpr int kQuietTicksBeforeSleep = 10;

}  // namespace

void Monitor::Register(InlineSlot* slot) {
  base::MutexLock lock(&mu_);
  slots_.push_back({slot, 0});
}

void Monitor::Unregister(InlineSlot* slot) {
  base::MutexLock lock(&mu_);
  slots_.erase(std::find_if(slots_.begin(), slots_.end(),
                            [slot](const Watched& w) { return w.slot == slot; }));
}

void Monitor::WakeUp() {
  base::MutexLock lock(&mu_);
  if (stopping_ || awake_.exchange(true, std::memory_order_seq_cst)) return;
  if (thread_.joinable()) {
    cv_.Signal();
  } else {
    thread_ = StartRuntimeThread("drover-monitor", [this] { Run(); });
  }
}

void Monitor::Stop() {
  std::thread thread;
  {
    base::MutexLock lock(&mu_);
    stopping_ = true;
    cv_.SignalAll();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

bool Monitor::Scan() {
  bool running = false;
  for (Watched& watched : slots_) {
    const uint64_t run = watched.slot->Running();
    if (run == 0) continue;
    running = true;
    if (run == watched.seen_run) watched.slot->HandOverIfStill(run);
    watched.seen_run = run;
  }
  return running;
}

void Monitor::Run() {
  int quiet = 0;
  base::MutexLock lock(&mu_);
  while (!stopping_) {
    const absl::Time next = absl::Now() + kTick;
    while (!stopping_ && !cv_.WaitUntil(&mu_, next)) {
    }
    const bool pool_waits = pool_->GrowIfStuck();
    quiet = Scan() || pool_waits ? 0 : quiet + 1;
    if (quiet < kQuietTicksBeforeSleep) continue;
    quiet = 0;
    awake_.store(false, std::memory_order_seq_cst);
    // A run that began before it could see that we sleep is found by this scan.
    if (Scan() || pool_->HasWaitingTasks()) {
      awake_.store(true, std::memory_order_seq_cst);
      continue;
    }
    while (!stopping_ && !awake_.load(std::memory_order_seq_cst)) cv_.Wait(&mu_);
  }
}

}  // namespace drover::async
