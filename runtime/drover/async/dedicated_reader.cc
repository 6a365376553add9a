#include "drover/async/dedicated_reader.h"

#include <atomic>

#include "drover/async/reactor.h"
#include "drover/async/thread_context.h"

namespace drover::async {
namespace {

std::atomic<int> dedicated{0};

}  // namespace

bool DedicatedReader::Begin(ThreadPool& pool) {
  if (dedicated.fetch_add(1, std::memory_order_relaxed) >= kMostDedicated) {
    dedicated.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  pool_ = &pool;
  pool_->EnterBlocked();
  ThreadContext& context = ThreadContext::Current();
  if (context.reactor != nullptr) {
    context.reactor->HandOver();
    context.reactor = nullptr;
  }
  return true;
}

DedicatedReader::~DedicatedReader() {
  if (pool_ == nullptr) return;
  pool_->LeaveBlocked();
  dedicated.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace drover::async
