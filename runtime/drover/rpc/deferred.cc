#include "drover/rpc/deferred.h"

#include <utility>

#include "absl/status/status.h"
#include "drover/async/runtime.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"

namespace drover::rpc {
namespace {

async::ThreadPool& Pool() {
  async::ThreadPool* pool = async::ThreadContext::Current().pool;
  return pool != nullptr ? *pool : Runtime::Default().pool();
}

}  // namespace

void RunOnPool(base::Ref<Work> work) {
  async::Task task = [work] { work->Run(); };
  if (!Pool().TryPost(task)) {
    work->Reject(absl::ResourceExhaustedError(
        "all threads of the runtime are busy with calls (RuntimeOptions::max_threads)"));
  }
}

void RunOnPoolForSure(base::Ref<Work> work) {
  Pool().Post([work = std::move(work)] { work->Run(); });
}

void Deferred::DoTasks() {
  for (async::Task& task : tasks_) task();
  tasks_.clear();
  for (base::Ref<Capability>& capability : drops_) {
    if (capability && capability->kind() == Capability::Kind::kLocal && capability->Unshared()) {
      Pool().Post([capability = std::move(capability)] {});
    }
  }
  drops_.clear();
}

void Deferred::FinishOnPool() {
  FinishTasks();
  for (base::Ref<Work>& work : TakeWork()) RunOnPool(std::move(work));
}

}  // namespace drover::rpc
