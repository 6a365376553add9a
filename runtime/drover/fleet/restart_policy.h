// Whether, and when, a worker that ended is started again. OTP's words and meaning.
//
//   RestartPolicy policy({.mode = RestartMode::kTransient});
//   RestartPolicy::Decision d = policy.OnExit(RestartPolicy::Exit::kFailure, now);
//
// Pure: no clock, no process; the caller passes the time in and carries the decision out. One
// policy keeps the history of one slot.
//
// Thread-safety: thread-compatible. Ownership: a value. Errors: none. Blocking: never.
#ifndef DROVER_FLEET_RESTART_POLICY_H_
#define DROVER_FLEET_RESTART_POLICY_H_

#include <deque>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace drover::fleet {

enum class RestartMode {
  kPermanent,  // started again however it ended
  kTransient,  // started again unless it ended well: exit code 0 stays down
  kTemporary,  // never started again
};

// A worker that ends with this code is not started again in any mode: what it lacks will not come
// by itself.
constexpr int kDoNotRestartExitCode = 125;

struct RestartOptions {
  RestartMode mode = RestartMode::kTransient;
  // The slot is given up when a restart would be the (intensity + 1)th within `period`. 0: the
  // first failure is final. Default 10 in 60 s, which a worker that dies at once uses up in about
  // half a minute of back-off.
  int intensity = 10;
  absl::Duration period = absl::Seconds(60);
  // A slot without a restart in the last `period` is started again at once. With n of them it
  // waits initial_backoff * 2^(n-1), at most max_backoff. Zero: always at once.
  absl::Duration initial_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(10);
};

class RestartPolicy {
 public:
  enum class Exit { kNormal, kFailure, kDoNotRestart };
  enum class Action {
    kRestart,   // after `delay`
    kStayDown,  // it is done, and that is well
    kGiveUp,    // it failed, and is not tried again
  };
  struct Decision {
    Action action;
    absl::Duration delay = absl::ZeroDuration();
  };

  explicit RestartPolicy(const RestartOptions& options) : options_(options) {}

  // InvalidArgument naming the field that is out of range.
  static absl::Status Validate(const RestartOptions& options);

  // How a wait status, as of waitpid(), counts.
  static Exit Classify(int wait_status);

  // The worker ended at `now`, on any clock that does not run backwards. A decision to restart
  // counts as a restart.
  Decision OnExit(Exit exit, absl::Time now);

 private:
  const RestartOptions options_;
  std::deque<absl::Time> restarts_;  // those of the last period, oldest first
};

}  // namespace drover::fleet

#endif  // DROVER_FLEET_RESTART_POLICY_H_
