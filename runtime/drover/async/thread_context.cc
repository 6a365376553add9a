#include "drover/async/thread_context.h"

#include <thread>

#include "drover/async/monitor.h"
#include "drover/async/thread_pool.h"

namespace drover::async {

void InlineSlot::Begin(Baton* reading, Baton* reactor) {
  reading_ = reading;
  reactor_ = reactor;
  const uint64_t run = (state_.load(std::memory_order_relaxed) >> 2) + 1;
  state_.store(run << 2 | kRunning, std::memory_order_seq_cst);
  monitor_->NoteWork();
}

bool InlineSlot::End() {
  uint64_t state = state_.load(std::memory_order_relaxed);
  while ((state & kPhaseMask) == kRunning) {
    if (state_.compare_exchange_weak(state, state & ~uint64_t{kPhaseMask},
                                     std::memory_order_acq_rel)) {
      return true;
    }
  }
  // Whoever hands over needs the batons, which may go with this thread, for a moment still.
  while ((state_.load(std::memory_order_acquire) & kPhaseMask) == kHandingOver) {
    std::this_thread::yield();
  }
  monitor_->pool().AddBusy(-1);
  return false;
}

void InlineSlot::HandOver() {
  if (const Run run = LastRun(); run.under_way) HandOverIfStill(run.number);
}

void InlineSlot::HandOverIfStill(uint64_t run) {
  uint64_t state = run << 2 | kRunning;
  if (!state_.compare_exchange_strong(state, run << 2 | kHandingOver, std::memory_order_acq_rel)) {
    return;
  }
  monitor_->pool().AddBusy(1);
  base::Ref<Baton> reading = base::Ref<Baton>::Share(reading_);
  base::Ref<Baton> reactor = base::Ref<Baton>::Share(reactor_);
  state_.store(run << 2 | kIdle, std::memory_order_release);
  if (reactor) reactor->HandOver();
  if (reading) reading->HandOver();
}

ThreadContext& ThreadContext::OfNewThread() {
  thread_local ThreadContext context;
  current_ = &context;
  return context;
}

BlockingScope::BlockingScope() : pool_(ThreadContext::Current().pool) {
  ThreadContext& context = ThreadContext::Current();
  ++context.waits;
  if (context.slot != nullptr) context.slot->HandOver();
  if (pool_ != nullptr) pool_->EnterBlocked();
}

BlockingScope::~BlockingScope() {
  if (pool_ != nullptr) pool_->LeaveBlocked();
}

}  // namespace drover::async
