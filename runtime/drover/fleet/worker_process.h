// The worker's side of the supervisor's fork.
#ifndef DROVER_FLEET_WORKER_PROCESS_H_
#define DROVER_FLEET_WORKER_PROCESS_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <vector>

#include "drover/base/unique_fd.h"
#include "drover/fleet/process_state.h"
#include "drover/fleet/worker_context.h"
#include "drover/transport/listener.h"

namespace drover::fleet {

struct WorkerSetup {
  int slot;
  int restarts;
  std::unique_ptr<transport::Listener> listener;
  base::UniqueFd ready;       // NotifyReady writes here
  std::vector<int> keep_fds;  // besides the listener's and the pipes
  pid_t supervisor;
  pid_t host;
  const SignalState* signals;  // of the host, to be restored
  rlimit descriptors;          // likewise
};

// Makes a freshly forked process a worker and runs `worker_main` in it: dies with the supervisor,
// has the host's signals and limits, and no descriptor that is not its own. Ends by _exit with
// the code that worker_main returns, after flushing C's and C++'s output; what the host has
// registered with atexit does not run. An exception that leaves worker_main ends the process by
// std::terminate.
[[noreturn]] void RunWorkerProcess(WorkerSetup setup, const WorkerMain& worker_main) noexcept;

}  // namespace drover::fleet

#endif  // DROVER_FLEET_WORKER_PROCESS_H_
