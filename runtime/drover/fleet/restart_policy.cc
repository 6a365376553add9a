#include "drover/fleet/restart_policy.h"

#include <sys/wait.h>

#include <algorithm>

namespace drover::fleet {

absl::Status RestartPolicy::Validate(const RestartOptions& options) {
  if (options.intensity < 0) {
    return absl::InvalidArgumentError("RestartOptions::intensity is negative");
  }
  if (options.period <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("RestartOptions::period is not positive");
  }
  if (options.initial_backoff < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("RestartOptions::initial_backoff is negative");
  }
  if (options.max_backoff < options.initial_backoff) {
    return absl::InvalidArgumentError("RestartOptions::max_backoff is less than initial_backoff");
  }
  return absl::OkStatus();
}

RestartPolicy::Exit RestartPolicy::Classify(int wait_status) {
  if (!WIFEXITED(wait_status)) return Exit::kFailure;
  switch (WEXITSTATUS(wait_status)) {
    case 0:
      return Exit::kNormal;
    case kDoNotRestartExitCode:
      return Exit::kDoNotRestart;
    default:
      return Exit::kFailure;
  }
}

RestartPolicy::Decision RestartPolicy::OnExit(Exit exit, absl::Time now) {
  if (exit == Exit::kDoNotRestart) return {Action::kGiveUp};
  if (exit == Exit::kNormal && options_.mode != RestartMode::kPermanent) {
    return {Action::kStayDown};
  }
  if (options_.mode == RestartMode::kTemporary) return {Action::kGiveUp};

  while (!restarts_.empty() && restarts_.front() <= now - options_.period) restarts_.pop_front();
  const int recent = static_cast<int>(restarts_.size());
  if (recent >= options_.intensity) return {Action::kGiveUp};
  absl::Duration delay = recent == 0 ? absl::ZeroDuration() : options_.initial_backoff;
  for (int i = 1; i < recent && delay < options_.max_backoff; ++i) delay *= 2;
  restarts_.push_back(now);
  return {Action::kRestart, std::min(delay, options_.max_backoff)};
}

}  // namespace drover::fleet
