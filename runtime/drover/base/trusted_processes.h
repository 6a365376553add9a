// The processes that this one trusts with memory which both may write to: those of its own fleets.
//
//   TrustedProcesses::TrustWithChildren(supervisor);       // by whoever forked it
//   if (TrustedProcesses::Includes(peer_pid)) ...          // the kernel told the pid (SO_PEERCRED)
//   TrustedProcesses::Forget(supervisor);
//
// One that was forked begins with none.
//
// Thread-safe. Includes reads /proc for a pid that is not known itself. Never blocks otherwise.
#ifndef DROVER_BASE_TRUSTED_PROCESSES_H_
#define DROVER_BASE_TRUSTED_PROCESSES_H_

#include <sys/types.h>

namespace drover::base {

class TrustedProcesses {
 public:
  // A process that is there now; until it ends or is forgotten. Does nothing where the kernel gives
  // no descriptor of it (pidfd), by which it is told from a later one of the same pid.
  static void Trust(pid_t pid);
  // The same, and whoever it has forked itself.
  static void TrustWithChildren(pid_t pid);
  static void Forget(pid_t pid);

  static bool Includes(pid_t pid);
};

}  // namespace drover::base

#endif  // DROVER_BASE_TRUSTED_PROCESSES_H_
