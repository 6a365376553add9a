#include "drover/async/dedicated_reader.h"

#include "drover/async/reactor.h"
#include "drover/async/thread_context.h"

namespace drover::async {

void DedicatedReader::Begin(ThreadPool& pool) {
  pool_ = &pool;
  pool_->EnterBlocked();
  ThreadContext& context = ThreadContext::Current();
  if (context.reactor != nullptr) {
    context.reactor->HandOver();
    context.reactor = nullptr;
  }
}

DedicatedReader::~DedicatedReader() {
  if (pool_ != nullptr) pool_->LeaveBlocked();
}

}  // namespace drover::async
