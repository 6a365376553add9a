// What a process inherits at fork and must put in order: signals, descriptors, limits, buffers.
//
//   const SignalState host = SignalState::Save();
//   ...fork...
//   host.RestoreActions();                 // as they were in the host
//   host.RestoreMask();
//   CloseAllExcept({listener_fd, pipe_fd});
//
// Thread-safety: for processes with one thread. Ownership: none. Errors: ignored where nothing
// could be done about them, else said. Blocking: FlushStdio, on what standard output blocks on.
#ifndef DROVER_FLEET_PROCESS_STATE_H_
#define DROVER_FLEET_PROCESS_STATE_H_

#include <signal.h>

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "drover/base/unique_fd.h"

namespace drover::fleet {

// The mask and every signal's disposition.
class SignalState {
 public:
  static SignalState Save();
  void RestoreActions() const;
  void RestoreMask() const { sigprocmask(SIG_SETMASK, &mask_, nullptr); }

 private:
  std::array<struct sigaction, 65> actions_{};
  sigset_t mask_{};
};

void BlockAllSignals();

// No handler but those of faults (SIGSEGV and its like), which print a stack at most.
void ResetSignalHandlers();

// Closes every descriptor but standard input, output, error and `keep`.
void CloseAllExcept(std::vector<int> keep);

struct PipeEnds {
  base::UniqueFd reader, writer;
};
// Close-on-exec, and never among the standard three.
absl::StatusOr<PipeEnds> MakePipe();

// C's and C++'s output buffers; before a fork, so that nothing is written twice, and before
// _exit, so that nothing is lost.
void FlushStdio();

// How many threads this process has; 0 if /proc does not tell.
int CountThreads();

// "exited with code 3", "was killed by signal 9 (Killed)".
std::string DescribeWaitStatus(int wait_status);

}  // namespace drover::fleet

#endif  // DROVER_FLEET_PROCESS_STATE_H_
