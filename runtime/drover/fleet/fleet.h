// A fleet: worker processes, forked and supervised, each listening at an endpoint of its own.
//
//   absl::StatusOr<fleet::Fleet> fleet = fleet::Fleet::Start({.workers = 10}, RunWorker);
//   if (!fleet.ok()) ...
//   for (const Endpoint& endpoint : fleet->endpoints()) ...
//   return fleet->Wait();
//
// Start forks a supervisor, which binds the listeners and forks the workers; from then on the
// program may start threads. The supervisor starts workers again as RestartOptions say, and ends
// the fleet when it is told to, when every worker is done, or when the program dies, be it by
// kill -9. docs/supervision.md has the life cycle, the signals and the exit codes.
//
// Thread-safety: thread-safe, but for Start, moves and the destructor.
// Ownership: the handle owns the supervisor: its destructor stops the fleet and waits. A forked
// child's copy of the handle does nothing.
// Errors: at each function.
// Blocking: Start until the workers are ready; Wait, Stop and the destructor until the fleet ended.
#ifndef DROVER_FLEET_FLEET_H_
#define DROVER_FLEET_FLEET_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "drover/fleet/restart_policy.h"
#include "drover/fleet/status_page.h"
#include "drover/fleet/worker_context.h"
#include "drover/transport/endpoint.h"
#include "drover/transport/listener.h"

namespace drover::fleet {

struct FleetOptions {
  // How many worker processes; 1 to 10,000.
  int workers = 1;
  // Where they listen. Empty, the default: UNIX sockets in a new directory under $TMPDIR (or
  // /tmp) that only this user can enter, removed at the end. One tcp endpoint with port 0: that
  // for each worker, which each get a port. Else one for each slot. fd:N passes into the fleet's
  // ownership; inproc cannot cross processes.
  std::vector<Endpoint> endpoints = {};
  transport::ListenOptions listen = {};
  // What becomes of a worker that ends.
  RestartOptions restart = {};
  // How long a worker may take from its start to NotifyReady; then it is killed, which counts as
  // a failure. Positive; default 30 s.
  absl::Duration ready_timeout = absl::Seconds(30);
  // How long workers may take to end after SIGTERM before SIGKILL. Default 10 s; 0 kills at once.
  absl::Duration grace = absl::Seconds(10);
  // The same when the program has died and nobody waits for the fleet. Default 1 s.
  absl::Duration orphan_grace = absl::Seconds(1);
  // Descriptors that workers keep. All others but the standard three, their listener and their
  // pipes are closed in them. Default none.
  std::vector<int> keep_fds = {};
  // While a thread is in Wait: HUP, INT, QUIT, TERM, USR1, USR2, TTIN and TTOU sent to the program
  // go to the supervisor instead, those among them that the program neither handles nor ignores.
  bool forward_signals = true;
};

class Fleet {
 public:
  // Returns when every worker is ready. Errors, after which no process and no file is left:
  //   FailedPrecondition  this process has more than one thread
  //   InvalidArgument     an option is out of range, naming it
  //   Aborted             a worker ended before it was ready, naming slot, endpoint and how
  //   DeadlineExceeded    a worker was not ready within ready_timeout, naming it
  //   Cancelled           the supervisor was told to stop meanwhile
  //   ResourceExhausted   no process, memory or descriptor is left
  //   Unavailable         the supervisor was killed
  // and what Listener::Listen gives, AlreadyExists above all.
  static absl::StatusOr<Fleet> Start(const FleetOptions& options, WorkerMain worker_main);

  Fleet(Fleet&&) noexcept;
  Fleet& operator=(Fleet&&) noexcept;
  ~Fleet();

  // One for each slot, in order, with the ports that the kernel chose.
  const std::vector<Endpoint>& endpoints() const;

  // What each slot does now; after the end, what it did last.
  std::vector<SlotStatus> status() const;

  pid_t supervisor_pid() const;

  // Waits until the fleet has ended: every worker is down, or it was stopped. Then no process is
  // left, no zombie, no file. May be called again. Errors:
  //   OK                  every worker is done, or the fleet was stopped
  //   Aborted             a slot was given up, naming the first, its endpoint and its last exit
  //   Unavailable         the supervisor was killed, naming the signal; the workers died with it
  //   FailedPrecondition  called in a forked child
  absl::Status Wait();

  // Asks the workers to end, the last slot first, kills those that take longer than
  // FleetOptions::grace, and waits. Errors as of Wait. Harmless after the end.
  absl::Status Stop();

 private:
  class Handle;
  explicit Fleet(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace drover::fleet

#endif  // DROVER_FLEET_FLEET_H_
