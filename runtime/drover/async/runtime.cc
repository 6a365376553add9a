#include "drover/async/runtime.h"

#include <algorithm>
#include <atomic>

#include "drover/async/dispatch_predictor.h"
#include "drover/async/reactor.h"
#include "drover/async/spin_setting.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/async/timers.h"
#include "drover/base/fork_generation.h"
#include "drover/base/mutex.h"

namespace drover {
namespace {

struct DefaultRuntime {
  base::Mutex mu;
  std::atomic<Runtime*> runtime{nullptr};
  std::atomic<uint32_t> generation{0};  // of the process the runtime belongs to
};

// Never destroyed: connections may live until the process ends.
DefaultRuntime& TheDefault() {
  static DefaultRuntime* instance = new DefaultRuntime;
  return *instance;
}

int64_t SpinNanos(const RuntimeOptions& options) {
  const absl::Duration spin = options.spin.value_or(async::SpinSetting());
  return absl::ToInt64Nanoseconds(std::clamp(spin, absl::ZeroDuration(), async::kLongestSpin));
}

}  // namespace

async::ThreadPool& async::CurrentPool() {
  ThreadPool* pool = ThreadContext::Current().pool;
  return pool != nullptr ? *pool : Runtime::Default().pool();
}

Runtime::Runtime(RuntimeOptions options)
    : spin_nanos_(SpinNanos(options)),
      predictor_(std::make_unique<async::DispatchPredictor>()),
      pool_(base::MakeRef<async::ThreadPool>(options.max_threads < 1 ? 1 : options.max_threads)),
      reactor_(base::MakeRef<async::Reactor>(pool_, spin_nanos_)),
      timers_(base::MakeRef<async::Timers>(*reactor_)) {}

Runtime::~Runtime() {
  timers_->Stop();
  reactor_->Stop();
  pool_->Stop();
}

Runtime& Runtime::Default() {
  DefaultRuntime& instance = TheDefault();
  const uint32_t generation = base::ForkGeneration();
  if (instance.generation.load(std::memory_order_acquire) == generation) {
    return *instance.runtime.load(std::memory_order_relaxed);
  }
  base::MutexLock lock(&instance.mu);
  if (instance.generation.load(std::memory_order_relaxed) != generation) {
    // A parent's runtime has no threads here; it is left as it is, since its locks may be held.
    instance.runtime.store(new Runtime, std::memory_order_relaxed);
    instance.generation.store(generation, std::memory_order_release);
  }
  return *instance.runtime.load(std::memory_order_relaxed);
}

bool Runtime::DefaultExists() {
  return TheDefault().generation.load(std::memory_order_acquire) == base::ForkGeneration();
}

}  // namespace drover
