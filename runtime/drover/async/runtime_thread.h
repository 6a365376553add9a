// Starts a thread of the runtime: named, with every signal blocked, so that signals go to the
// program's own threads.
#ifndef DROVER_ASYNC_RUNTIME_THREAD_H_
#define DROVER_ASYNC_RUNTIME_THREAD_H_

#include <thread>

#include "drover/async/executor.h"

namespace drover::async {

std::thread StartRuntimeThread(const char* name, Task body);

}  // namespace drover::async

#endif  // DROVER_ASYNC_RUNTIME_THREAD_H_
