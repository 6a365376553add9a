#include "drover/async/runtime_thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace drover::async {
namespace {

class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

std::thread StartRuntimeThread(const char* name, Task body) {
  const BlockSignals inherited;  // by the new thread, from its first moment
  return std::thread([name, body = std::move(body)]() mutable {
    pthread_setname_np(pthread_self(), name);
    body();
  });
}

}  // namespace drover::async
