#include "drover/fleet/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/base/log.h"
#include "drover/base/status_macros.h"
#include "drover/fleet/worker_process.h"

namespace drover::fleet {
namespace {

// Does not jump when the clock is set.
absl::Time MonotonicNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::TimeFromTimespec(now);
}

}  // namespace

std::string Supervisor::Slot::Name() const {
  return absl::StrCat("slot ", index, " (", endpoint.ToString(), ")");
}

Supervisor::Supervisor(SupervisorConfig config) : config_(std::move(config)) {
  for (int i = 0; i < config_.options.workers; ++i) {
    slots_.push_back(Slot{.index = i,
                          .endpoint = config_.endpoints[i],
                          .policy = RestartPolicy(config_.options.restart),
                          .listener = nullptr,
                          .ready = {},
                          .status = {}});
  }
}

int Supervisor::Run() noexcept {
  Prepare();
  failure_ = BindListeners();
  if (failure_.ok()) {
    for (Slot& slot : slots_) {
      if (phase_ == Phase::kStarting) StartWorker(slot);
    }
    Loop();
  }
  for (Slot& slot : slots_) slot.listener.reset();
  if (!config_.directory.empty()) rmdir(config_.directory.c_str());
  if (failure_.ok() && !started_) failure_ = absl::CancelledError("told to stop while starting");
  config_.page->SetResult(failure_);
  FlushStdio();
  if (orphaned_) return kSupervisorOrphaned;
  if (failure_.ok()) return kSupervisorDone;
  return started_ ? kSupervisorGaveUp : kSupervisorNotStarted;
}

void Supervisor::Prepare() {
  setpgid(0, 0);
  prctl(PR_SET_NAME, "drover-super");
  ResetSignalHandlers();
  std::vector<int> keep = config_.options.keep_fds;
  keep.insert(keep.end(), {config_.status_writer.get(), config_.alive_writer.get()});
  for (const Endpoint& endpoint : config_.endpoints) {
    if (endpoint.scheme() == Endpoint::Scheme::kFd) keep.push_back(endpoint.fd());
  }
  CloseAllExcept(std::move(keep));

  // A listener, its lock and the pipe of a start, for each slot.
  getrlimit(RLIMIT_NOFILE, &descriptors_);
  rlimit raised = descriptors_;
  raised.rlim_cur =
      std::min<rlim_t>(raised.rlim_max, std::max<rlim_t>(raised.rlim_cur, 64 + 4 * slots_.size()));
  setrlimit(RLIMIT_NOFILE, &raised);
}

absl::Status Supervisor::BindListeners() {
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN,
                           SIGTTOU, SIGWINCH, SIGPIPE, SIGTSTP}) {
    sigaddset(&handled, signal);
  }
  // From here on signals wait for the loop; whatever else the host had blocked is let through.
  sigprocmask(SIG_SETMASK, &handled, nullptr);
  signals_.Reset(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid()) return absl::ErrnoToStatus(errno, "supervisor: signalfd");
  // If the host is gone already, its number may be another's: the parent tells.
  host_.Reset(static_cast<int>(syscall(SYS_pidfd_open, config_.host, 0)));
  const int error = errno;
  if (getppid() != config_.host) {
    orphaned_ = true;
    return absl::CancelledError("the program ended while its fleet was starting");
  }
  if (!host_.valid()) return absl::ErrnoToStatus(error, "supervisor: pidfd_open");

  for (Slot& slot : slots_) {
    absl::StatusOr<std::unique_ptr<transport::Listener>> listener =
        transport::Listener::Listen(slot.endpoint, config_.options.listen);
    if (!listener.ok()) {
      return absl::Status(
          listener.status().code(),
          absl::StrCat("slot ", slot.index, ": ", std::string(listener.status().message())));
    }
    slot.listener = *std::move(listener);
    slot.endpoint = slot.listener->endpoint();
    config_.page->SetEndpoint(slot.index, slot.endpoint.ToString());
  }
  return absl::OkStatus();
}

void Supervisor::Loop() {
  std::vector<pollfd> fds;
  while (!Finished()) {
    fds.assign({{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                {.fd = orphaned_ ? -1 : host_.get(), .events = POLLIN, .revents = 0}});
    for (const Slot& slot : slots_) {
      fds.push_back({.fd = slot.ready.get(), .events = POLLIN, .revents = 0});
    }
    int timeout_ms = -1;
    if (const absl::Time next = NextDeadline(); next != absl::InfiniteFuture()) {
      const absl::Duration left = absl::Ceil(next - MonotonicNow(), absl::Milliseconds(1));
      timeout_ms =
          static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(left), 0, INT_MAX));
    }
    if (poll(fds.data(), fds.size(), timeout_ms) < 0 && errno != EINTR) {
      DROVER_LOG(kError) << "supervisor: poll: " << strerror(errno);
    }
    // Readiness first: a worker may be ready, done and reaped in one round.
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (fds[i + 2].revents != 0) ReadReadiness(slots_[i]);
    }
    if (fds[1].revents != 0) {
      DROVER_LOG(kInfo) << "supervisor: the host ended; stopping its workers";
      orphaned_ = true;
      BeginStop(config_.options.orphan_grace);
    }
    if (fds[0].revents != 0) HandleSignals();
    HandleDeadlines(MonotonicNow());
    CheckAllReady();
  }
}

bool Supervisor::Finished() const {
  return std::all_of(slots_.begin(), slots_.end(), [this](const Slot& slot) {
    return slot.status.pid == 0 &&
           (phase_ == Phase::kStopping || slot.status.state == SlotState::kDown ||
            slot.status.state == SlotState::kFailed);
  });
}

void Supervisor::HandleSignals() {
  signalfd_siginfo info;
  while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    switch (signal) {
      case SIGCHLD:
        break;  // signals of one kind merge: below, all that ended are reaped
      case SIGTERM:
      case SIGINT:
      case SIGQUIT:
        DROVER_LOG(kInfo) << "supervisor: " << strsignal(signal) << ": stopping";
        BeginStop(config_.options.grace);
        break;
      case SIGPIPE:
        break;
      default:
        DROVER_LOG(kWarning) << "supervisor: " << strsignal(signal) << ": not acted on yet";
    }
  }
  ReapWorkers();
}

void Supervisor::ReapWorkers() {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (Slot& slot : slots_) {
      if (slot.status.pid == pid) OnWorkerExit(slot, status);
    }
  }
}

absl::Time Supervisor::NextDeadline() const {
  absl::Time next = kill_time_;
  for (const Slot& slot : slots_) next = std::min(next, slot.deadline);
  return next;
}

void Supervisor::HandleDeadlines(absl::Time now) {
  if (kill_time_ <= now) KillRemaining();
  for (Slot& slot : slots_) {
    if (slot.deadline > now) continue;
    slot.deadline = absl::InfiniteFuture();
    if (slot.status.state == SlotState::kBackingOff) {
      ++slot.status.restarts;
      SetState(slot, slot.status.state);  // told before anybody can hear from the new one
      StartWorker(slot);
    } else if (slot.status.state == SlotState::kStarting) {
      const std::string what = absl::StrCat(slot.Name(), ": the worker was not ready within ",
                                            absl::FormatDuration(config_.options.ready_timeout));
      DROVER_LOG(kWarning) << "supervisor: " << what;
      kill(slot.status.pid, SIGKILL);
      if (phase_ == Phase::kStarting) {
        failure_.Update(absl::DeadlineExceededError(what));
        BeginStop(config_.options.grace);
      }
    }
  }
}

void Supervisor::SetState(Slot& slot, SlotState state) {
  slot.status.state = state;
  if (state == SlotState::kDown || state == SlotState::kFailed) {
    slot.listener.reset();  // clients are refused, not left hanging
  }
  config_.page->SetSlot(slot.index, slot.status);
}

void Supervisor::StartWorker(Slot& slot) {
  absl::StatusOr<PipeEnds> ready = MakePipe();
  const pid_t supervisor = getpid();
  FlushStdio();
  const pid_t pid = ready.ok() ? fork() : -1;
  if (pid == 0) {
    config_.page->Unmap();
    std::vector<int> keep = config_.options.keep_fds;
    keep.push_back(config_.alive_writer.get());
    RunWorkerProcess({.slot = slot.index,
                      .restarts = slot.status.restarts,
                      .listener = std::move(slot.listener),
                      .ready = std::move(ready->writer),
                      .keep_fds = std::move(keep),
                      .supervisor = supervisor,
                      .host = config_.host,
                      .signals = &config_.host_signals,
                      .descriptors = descriptors_},
                     config_.worker_main);
  }
  if (pid < 0) {
    const std::string how = absl::StrCat("could not be forked: ", std::string(strerror(errno)));
    if (phase_ == Phase::kStarting) {
      failure_.Update(absl::ResourceExhaustedError(absl::StrCat(slot.Name(), ": ", how)));
      SetState(slot, SlotState::kFailed);
      BeginStop(config_.options.grace);
    } else {
      DecideAfterExit(slot, RestartPolicy::Exit::kFailure, how);
    }
    return;
  }
  slot.status.pid = pid;
  slot.ready = std::move(ready->reader);
  fcntl(slot.ready.get(), F_SETFL, O_NONBLOCK);  // a child of the worker may hold the other end
  slot.deadline = MonotonicNow() + config_.options.ready_timeout;
  SetState(slot, SlotState::kStarting);
}

void Supervisor::ReadReadiness(Slot& slot) {
  if (!slot.ready.valid()) return;
  char byte;
  const ssize_t n = read(slot.ready.get(), &byte, 1);
  if (n < 0) return;  // nothing yet
  const bool ready = n == 1;
  slot.ready.Reset();  // an end of file without a byte: the worker ended, or will never be ready
  if (!ready || phase_ == Phase::kStopping) return;
  slot.was_ready_once = true;
  slot.deadline = absl::InfiniteFuture();
  SetState(slot, SlotState::kReady);
}

void Supervisor::CheckAllReady() {
  if (phase_ != Phase::kStarting) return;
  for (const Slot& slot : slots_) {
    if (!slot.was_ready_once) return;
  }
  phase_ = Phase::kRunning;
  started_ = true;
  // Fails only if the host is gone, which its descriptor tells too.
  [[maybe_unused]] const ssize_t n = write(config_.status_writer.get(), "S", 1);
}

void Supervisor::OnWorkerExit(Slot& slot, int wait_status) {
  ReadReadiness(slot);  // it may have been ready and done in one round
  const std::string how = DescribeWaitStatus(wait_status);
  slot.ready.Reset();
  slot.status.pid = 0;
  slot.status.last_wait_status = wait_status;
  slot.deadline = absl::InfiniteFuture();
  if (phase_ == Phase::kStopping) {
    if (wait_status != 0) {
      DROVER_LOG(kWarning) << "supervisor: " << slot.Name() << ": " << how;
    }
    SetState(slot, slot.status.state == SlotState::kFailed ? SlotState::kFailed : SlotState::kDown);
    return;
  }
  if (!slot.was_ready_once) {
    failure_.Update(absl::AbortedError(
        absl::StrCat(slot.Name(), ": the worker ", how, " before it was ready")));
    SetState(slot, SlotState::kFailed);
    BeginStop(config_.options.grace);
    return;
  }
  DecideAfterExit(slot, RestartPolicy::Classify(wait_status), absl::StrCat("the worker ", how));
}

void Supervisor::DecideAfterExit(Slot& slot, RestartPolicy::Exit exit, const std::string& how) {
  const absl::Time now = MonotonicNow();
  const RestartPolicy::Decision decision = slot.policy.OnExit(exit, now);
  switch (decision.action) {
    case RestartPolicy::Action::kRestart:
      DROVER_LOG(kWarning) << "supervisor: " << slot.Name() << ": " << how << "; next start in "
                           << absl::FormatDuration(decision.delay);
      slot.deadline = now + decision.delay;
      SetState(slot, SlotState::kBackingOff);
      return;
    case RestartPolicy::Action::kStayDown:
      SetState(slot, SlotState::kDown);
      return;
    case RestartPolicy::Action::kGiveUp:
      DROVER_LOG(kError) << "supervisor: " << slot.Name() << ": " << how << "; given up after "
                         << slot.status.restarts << " restarts";
      failure_.Update(absl::AbortedError(absl::StrCat(slot.Name(), ": given up after ",
                                                      slot.status.restarts, " restarts: ", how)));
      SetState(slot, SlotState::kFailed);
      return;
  }
}

void Supervisor::BeginStop(absl::Duration grace) {
  kill_time_ = std::min(kill_time_, MonotonicNow() + grace);
  if (phase_ == Phase::kStopping) return;
  phase_ = Phase::kStopping;
  for (auto slot = slots_.rbegin(); slot != slots_.rend(); ++slot) {
    slot->deadline = absl::InfiniteFuture();
    // The pipe of a worker that is not ready yet stays open: telling it would be a SIGPIPE.
    if (slot->status.pid != 0) {
      kill(slot->status.pid, SIGTERM);
      slot->listener.reset();  // once the worker closes its own, clients are refused
    } else if (slot->status.state != SlotState::kFailed) {
      SetState(*slot, SlotState::kDown);
    }
  }
}

void Supervisor::KillRemaining() {
  kill_time_ = absl::InfiniteFuture();
  for (const Slot& slot : slots_) {
    if (slot.status.pid == 0) continue;
    DROVER_LOG(kWarning) << "supervisor: " << slot.Name() << ": killed, for it did not end in time";
    kill(slot.status.pid, SIGKILL);
  }
}

}  // namespace drover::fleet
