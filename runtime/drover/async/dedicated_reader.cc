#include "drover/async/dedicated_reader.h"

#include "drover/async/busy_connections.h"
#include "drover/async/reactor.h"
#include "drover/async/thread_context.h"

namespace drover::async {

bool DedicatedReader::Begin(ThreadPool& pool) {
  if (!BusyConnections::Get().BeginApart()) return false;
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
  BusyConnections::Get().EndApart();
}

}  // namespace drover::async
