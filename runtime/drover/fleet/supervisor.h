// The process that forks the workers of a fleet and outlives them: one thread, one poll loop.
//
//   Supervisor supervisor(std::move(config));
//   _exit(supervisor.Run());
//
// The host makes everything in SupervisorConfig before it forks; the child calls Run. Decisions
// about restarts are RestartPolicy's; here is what carries them out.
//
// Thread-safety: one thread in one process. Ownership: owns the listeners and their files, the
// workers, and the directory of the default endpoints. Errors: to the status page and the log.
// Blocking: Run, until the fleet ended.
#ifndef DROVER_FLEET_SUPERVISOR_H_
#define DROVER_FLEET_SUPERVISOR_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "drover/base/unique_fd.h"
#include "drover/fleet/fleet.h"
#include "drover/fleet/process_state.h"
#include "drover/fleet/restart_policy.h"
#include "drover/fleet/status_page.h"
#include "drover/transport/listener.h"

namespace drover::fleet {

// How the supervisor ends, for whoever reaps it.
enum SupervisorExitCode {
  kSupervisorDone = 0,        // stopped, or every worker is down
  kSupervisorNotStarted = 1,  // a listener or a first worker failed
  kSupervisorGaveUp = 2,      // at least one slot failed
  kSupervisorOrphaned = 3,    // the host died
};

struct SupervisorConfig {
  FleetOptions options;
  std::vector<Endpoint> endpoints;  // one for each slot
  std::string directory;            // of the default endpoints; empty if there is none
  WorkerMain worker_main;
  StatusPage* page;
  // A byte: the fleet has started. End of file: the supervisor has ended.
  base::UniqueFd status_writer;
  // Held by the supervisor and by every worker: end of file says that all are gone.
  base::UniqueFd alive_writer;
  pid_t host;
  SignalState host_signals;
};

class Supervisor {
 public:
  explicit Supervisor(SupervisorConfig config);

  // In the supervisor's process returns its exit code; in a worker's does not return.
  int Run() noexcept;

 private:
  enum class Phase { kStarting, kRunning, kStopping };

  struct Slot {
    int index;
    Endpoint endpoint;
    RestartPolicy policy;
    std::unique_ptr<transport::Listener> listener;
    base::UniqueFd ready;  // readable when the worker is ready
    bool was_ready_once = false;
    absl::Time deadline = absl::InfiniteFuture();  // of being ready, or of the next start
    SlotStatus status;
    std::string Name() const;  // "slot 3 (unix:///...)"
  };

  void Prepare();
  absl::Status BindListeners();
  void Loop();
  void HandleSignals();
  void ReapWorkers();
  void HandleDeadlines(absl::Time now);
  absl::Time NextDeadline() const;
  bool Finished() const;

  // Starts a worker in the slot, or counts the failure to.
  void StartWorker(Slot& slot);
  void ReadReadiness(Slot& slot);
  void OnWorkerExit(Slot& slot, int wait_status);
  void DecideAfterExit(Slot& slot, RestartPolicy::Exit exit, const std::string& how);
  void SetState(Slot& slot, SlotState state);
  void CheckAllReady();
  void BeginStop(absl::Duration grace);
  void KillRemaining();

  SupervisorConfig config_;
  Phase phase_ = Phase::kStarting;
  std::vector<Slot> slots_;
  absl::Status failure_;  // the first
  absl::Time kill_time_ = absl::InfiniteFuture();
  bool orphaned_ = false;
  bool started_ = false;
  rlimit descriptors_{};  // the host's
  base::UniqueFd signals_, host_;
};

}  // namespace drover::fleet

#endif  // DROVER_FLEET_SUPERVISOR_H_
