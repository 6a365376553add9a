#include "drover/async/runtime_thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace drover::async {

std::thread StartRuntimeThread(const char* name, Task body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);  // inherited by the new thread from its first moment
  std::thread thread([name, body = std::move(body)]() mutable {
    pthread_setname_np(pthread_self(), name);
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace drover::async
