#include "drover/rpc/deferred.h"

#include <utility>

#include "absl/status/status.h"
#include "drover/async/runtime.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"

namespace drover::rpc {

void RunOnPool(base::Ref<Work> work) {
  async::Task task = [work] { work->Run(); };
  if (!async::CurrentPool().TryPost(task)) {
    work->Reject(absl::ResourceExhaustedError(
        "all threads of the runtime are busy with calls (RuntimeOptions::max_threads)"));
  }
}

void RunOnPoolForSure(base::Ref<Work> work) {
  async::CurrentPool().Post([work = std::move(work)] { work->Run(); });
}

void Deferred::DoTasks() {
  const async::NoUserCodeScope no_user_code;
  for (async::Task& task : tasks_) task();
  tasks_.clear();
  drops_.clear();
}

void Deferred::FinishOnPool() {
  FinishTasks();
  for (base::Ref<Work>& work : work_) RunOnPool(std::move(work));
  work_.clear();
}

}  // namespace drover::rpc
