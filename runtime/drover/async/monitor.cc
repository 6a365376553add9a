#include "drover/async/monitor.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "drover/async/runtime_thread.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/base/log.h"

namespace drover::async {
namespace {

constexpr absl::Duration kTick = absl::Microseconds(200);
// While inline calls come and go quickly the ticks only disturb them: they become rarer, up to
// this.
constexpr absl::Duration kLongestTick = absl::Milliseconds(1);
constexpr uint64_t kManyRunsATick = 16;
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
    return;
  }
  try {
    thread_ = StartRuntimeThread("drover-monitor", [this] { Run(); });
  } catch (const std::system_error& e) {
    awake_.store(false, std::memory_order_seq_cst);  // the next work tries again
    if (!std::exchange(start_failed_, true)) {
      DROVER_LOG(kError) << "cannot start the thread that watches for calls which block: "
                         << e.what();
    }
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
  bool stuck = false;
  uint64_t runs = 0;
  for (Watched& watched : slots_) {
    const InlineSlot::Run run = watched.slot->LastRun();
    if (run.under_way && run.number == watched.seen_run) {
      watched.slot->HandOverIfStill(run.number);
      stuck = true;
    }
    running = running || run.under_way;
    runs += run.number - watched.seen_run;
    watched.seen_run = run.number;
  }
  tick_ = !stuck && runs >= kManyRunsATick ? std::min(2 * tick_, kLongestTick) : kTick;
  return running;
}

void Monitor::Run() {
  int quiet = 0;
  base::MutexLock lock(&mu_);
  while (!stopping_) {
    while (!stopping_ && !cv_.WaitFor(&mu_, tick_)) {
    }
    const bool pool_waits = pool_->GrowIfStuck();
    quiet = Scan() || pool_waits ? 0 : quiet + 1;
    if (quiet < kQuietTicksBeforeSleep) continue;
    quiet = 0;
    awake_.store(false, std::memory_order_seq_cst);
    // A run that began before it could see that we sleep is found by this scan, which hands nothing
    // over: the last one saw nothing under way. (To hand over is to post work, and that wakes us.)
    if (Scan() || pool_->HasWaitingTasks()) {
      awake_.store(true, std::memory_order_seq_cst);
      continue;
    }
    while (!stopping_ && !awake_.load(std::memory_order_seq_cst)) cv_.Wait(&mu_);
  }
}

}  // namespace drover::async
