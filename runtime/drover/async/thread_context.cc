#include "drover/async/thread_context.h"

#include "drover/async/monitor.h"
#include "drover/async/thread_pool.h"

namespace drover::async {

void InlineSlot::Begin(Baton* reading, Baton* reactor) {
  {
    base::MutexLock lock(&mu_);
    running_ = true;
    ++run_;
    reading_ = reading;
    reactor_ = reactor;
  }
  monitor_->NoteWork();
}

bool InlineSlot::End() {
  base::MutexLock lock(&mu_);
  const bool kept = running_;
  running_ = false;
  return kept;
}

void InlineSlot::HandOver() {
  mu_.Lock();
  HandOverAndUnlock();
}

uint64_t InlineSlot::Running() {
  base::MutexLock lock(&mu_);
  return running_ ? run_ : 0;
}

void InlineSlot::HandOverIfStill(uint64_t run) {
  mu_.Lock();
  if (run_ == run) {
    HandOverAndUnlock();
  } else {
    mu_.Unlock();
  }
}

void InlineSlot::HandOverAndUnlock() {
  if (!running_) {
    mu_.Unlock();
    return;
  }
  running_ = false;
  // The batons live on without the thread that held them, which may end its run any time now.
  base::Ref<Baton> reading = base::Ref<Baton>::Share(reading_);
  base::Ref<Baton> reactor = base::Ref<Baton>::Share(reactor_);
  mu_.Unlock();
  if (reactor) reactor->HandOver();
  reading->HandOver();
}

ThreadContext& ThreadContext::Current() {
  thread_local ThreadContext context;
  return context;
}

BlockingScope::BlockingScope() : pool_(ThreadContext::Current().pool) {
  ThreadContext& context = ThreadContext::Current();
  if (context.slot != nullptr) context.slot->HandOver();
  if (pool_ != nullptr) pool_->EnterBlocked();
}

BlockingScope::~BlockingScope() {
  if (pool_ != nullptr) pool_->LeaveBlocked();
}

}  // namespace drover::async
