#include "drover/fleet/fleet.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/base/log.h"
#include "drover/base/mutex.h"
#include "drover/base/status_macros.h"
#include "drover/base/trusted_processes.h"
#include "drover/fleet/process_state.h"
#include "drover/fleet/signal_forwarder.h"
#include "drover/fleet/supervisor.h"

namespace drover::fleet {
namespace {

constexpr int kMaxWorkers = 10000;
// How long the host waits for the kernel to end the workers of a supervisor that was killed.
constexpr absl::Duration kWorkersDeathLimit = absl::Seconds(5);

absl::Status Validate(const FleetOptions& options) {
  auto invalid = [](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat("FleetOptions::", what));
  };
  if (options.workers < 1 || options.workers > kMaxWorkers) {
    return invalid(absl::StrCat("workers is ", options.workers, ", not 1 to ", kMaxWorkers));
  }
  if (options.ready_timeout <= absl::ZeroDuration())
    return invalid("ready_timeout is not positive");
  if (options.grace < absl::ZeroDuration()) return invalid("grace is negative");
  if (options.orphan_grace < absl::ZeroDuration()) return invalid("orphan_grace is negative");
  DROVER_RETURN_IF_ERROR(RestartPolicy::Validate(options.restart));
  std::set<std::string> seen;
  for (const Endpoint& endpoint : options.endpoints) {
    const bool kernel_port = endpoint.scheme() == Endpoint::Scheme::kTcp && endpoint.port() == 0;
    if (endpoint.scheme() == Endpoint::Scheme::kInproc) {
      return invalid(absl::StrCat("endpoints: ", endpoint.ToString(), " cannot cross processes"));
    }
    if (!kernel_port && !seen.insert(endpoint.WithoutName().ToString()).second) {
      return invalid(absl::StrCat("endpoints: ", endpoint.ToString(), " is there twice"));
    }
    if (options.endpoints.size() == 1 && kernel_port) return absl::OkStatus();
  }
  if (!options.endpoints.empty() &&
      options.endpoints.size() != static_cast<size_t>(options.workers)) {
    return invalid(absl::StrCat("endpoints has ", options.endpoints.size(), " entries for ",
                                options.workers, " workers"));
  }
  return absl::OkStatus();
}

absl::Status CheckOneThread() {
  const int threads = CountThreads();
  if (threads == 1) return absl::OkStatus();
  if (threads == 0) {
    return absl::FailedPreconditionError("a fleet cannot start: /proc is needed to count threads");
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "a fleet cannot start: this process has ", threads,
      " threads, and forking would leave their locks held for ever; start fleets first in main, "
      "before anything that starts threads, connections and servers included"));
}

absl::StatusOr<std::string> MakeDirectory() {
  const char* base = getenv("TMPDIR");
  std::string pattern = absl::StrCat(base == nullptr ? "" : base, "/drover-XXXXXX");
  constexpr size_t kLongestName = sizeof "/worker-9999.sock" - 1;
  if (pattern[0] != '/' || base == nullptr || *base == '\0' ||
      pattern.size() + kLongestName > Endpoint::kMaxUnixPath) {
    pattern = "/tmp/drover-XXXXXX";
  }
  if (mkdtemp(pattern.data()) == nullptr) return absl::ErrnoToStatus(errno, pattern);
  return pattern;
}

absl::StatusOr<std::vector<Endpoint>> ChooseEndpoints(const FleetOptions& options,
                                                      const std::string& directory) {
  std::vector<Endpoint> endpoints;
  for (int slot = 0; slot < options.workers; ++slot) {
    if (options.endpoints.empty()) {
      DROVER_ASSIGN_OR_RETURN(
          Endpoint endpoint,
          Endpoint::Parse(absl::StrCat("unix://", directory, "/worker-", slot, ".sock")));
      endpoints.push_back(std::move(endpoint));
    } else {
      endpoints.push_back(options.endpoints[options.endpoints.size() == 1 ? 0 : slot]);
    }
  }
  return endpoints;
}

void WaitForEndOfFile(int fd, absl::Duration limit) {
  pollfd end{.fd = fd, .events = POLLIN, .revents = 0};
  while (poll(&end, 1, static_cast<int>(absl::ToInt64Milliseconds(limit))) < 0 && errno == EINTR) {
  }
}

// The kernel closes a killed process's descriptors one after the other: the last of them may hold
// a socket for a moment after the end of file that told of its death.
void RemoveFilesOfTheDead(const Endpoint& endpoint) {
  const absl::Time limit = absl::Now() + kWorkersDeathLimit;
  for (;;) {
    const absl::Status removed = transport::Listener::RemoveStaleFiles(endpoint);
    if (removed.ok()) return;
    if (!absl::IsAlreadyExists(removed) || absl::Now() > limit) {
      DROVER_LOG(kWarning) << "left behind by a dead fleet: " << removed;
      return;
    }
    absl::SleepFor(absl::Milliseconds(1));
  }
}

}  // namespace

// The host's side of a running supervisor.
class Fleet::Handle {
 public:
  Handle(StatusPage page, std::string directory, bool forward_signals)
      : page_(std::move(page)),
        directory_(std::move(directory)),
        forward_signals_(forward_signals) {}

  ~Handle() {
    if (owner_ != getpid()) return;
    if (supervisor_ > 0) {
      Stop().IgnoreError();  // whoever wants to know calls Wait
    } else if (!directory_.empty()) {
      rmdir(directory_.c_str());
    }
  }

  absl::Status Launch(const FleetOptions& options, WorkerMain worker_main);

  absl::Status Wait() {
    DROVER_RETURN_IF_ERROR(CheckOwner());
    std::optional<SignalForwarder> forwarder;
    if (forward_signals_) forwarder.emplace(supervisor_fd_.get());
    for (;;) {
      pollfd fds[] = {{.fd = status_.get(), .events = POLLIN, .revents = 0},
                      {.fd = forwarder ? forwarder->fd() : -1, .events = POLLIN, .revents = 0}};
      if (poll(fds, 2, -1) < 0) continue;  // EINTR
      if (fds[1].revents != 0) forwarder->Forward();
      if (fds[0].revents != 0) return Finish();
    }
  }

  absl::Status Stop() {
    DROVER_RETURN_IF_ERROR(CheckOwner());
    SendSignal(supervisor_fd_.get(), SIGTERM);
    return Wait();
  }

  const std::vector<Endpoint>& endpoints() const { return endpoints_; }
  const StatusPage& page() const { return page_; }
  pid_t supervisor() const { return supervisor_; }

 private:
  absl::Status CheckOwner() const {
    if (owner_ == getpid()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "the fleet belongs to the process that this one was forked from");
  }

  absl::Status AwaitStart();
  absl::Status Finish();
  std::string ReapSupervisor();

  const pid_t owner_ = getpid();
  StatusPage page_;
  const std::string directory_;
  const bool forward_signals_;
  std::vector<Endpoint> endpoints_;
  pid_t supervisor_ = 0;
  base::UniqueFd supervisor_fd_;  // pidfd
  base::UniqueFd status_, alive_;
  base::Mutex mu_;
  std::optional<absl::Status> result_ ABSL_GUARDED_BY(mu_);
};

absl::Status Fleet::Handle::Launch(const FleetOptions& options, WorkerMain worker_main) {
  DROVER_ASSIGN_OR_RETURN(endpoints_, ChooseEndpoints(options, directory_));
  DROVER_ASSIGN_OR_RETURN(PipeEnds status, MakePipe());
  DROVER_ASSIGN_OR_RETURN(PipeEnds alive, MakePipe());
  const SignalState signals = SignalState::Save();
  FlushStdio();
  BlockAllSignals();  // the host's handlers do not run in the supervisor
  const pid_t pid = fork();
  if (pid == 0) {
    Supervisor supervisor({.options = options,
                           .endpoints = endpoints_,
                           .directory = directory_,
                           .worker_main = std::move(worker_main),
                           .page = &page_,
                           .status_writer = std::move(status.writer),
                           .alive_writer = std::move(alive.writer),
                           .host = owner_,
                           .host_signals = signals});
    _exit(supervisor.Run());
  }
  const int error = errno;
  if (pid > 0) {
    supervisor_ = pid;
    base::TrustedProcesses::TrustWithChildren(pid);
    supervisor_fd_.Reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  }
  signals.RestoreMask();
  if (pid < 0) return absl::ErrnoToStatus(error, "cannot fork the supervisor");
  status_ = std::move(status.reader);
  alive_ = std::move(alive.reader);
  status.writer.Reset();
  alive.writer.Reset();
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.scheme() == Endpoint::Scheme::kFd) close(endpoint.fd());
  }
  return AwaitStart();
}

absl::Status Fleet::Handle::AwaitStart() {
  char byte;
  ssize_t n;
  do {
    n = read(status_.get(), &byte, 1);
  } while (n < 0 && errno == EINTR);
  if (n == 0) {
    const absl::Status result = Finish();
    return result.ok() ? absl::CancelledError("the fleet was stopped while it started") : result;
  }
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    DROVER_ASSIGN_OR_RETURN(Endpoint endpoint, Endpoint::Parse(page_.endpoint(i)));
    endpoints_[i] = endpoint.WithName(endpoints_[i].name());
  }
  return absl::OkStatus();
}

// Reaps without a SIGCHLD handler, and beside one: if another reaped it, what happened is lost.
std::string Fleet::Handle::ReapSupervisor() {
  base::TrustedProcesses::Forget(supervisor_);
  if (!supervisor_fd_.valid()) {
    int status;
    const pid_t pid = waitpid(supervisor_, &status, 0);
    return pid == supervisor_ ? DescribeWaitStatus(status) : "ended";
  }
  siginfo_t info{};
  int reaped;
  do {
    reaped = waitid(static_cast<idtype_t>(P_PIDFD), supervisor_fd_.get(), &info, WEXITED);
  } while (reaped != 0 && errno == EINTR);
  if (reaped != 0 || info.si_pid == 0) return "ended";
  if (info.si_code == CLD_EXITED) return absl::StrCat("exited with code ", info.si_status);
  return DescribeWaitStatus(info.si_status);  // a signal's number is its wait status
}

absl::Status Fleet::Handle::Finish() {
  base::MutexLock lock(&mu_);
  if (result_) return *result_;
  const std::string how = ReapSupervisor();
  result_ = page_.result();
  if (result_) return *result_;
  // Killed: its workers die by the kernel's hand; what it would have removed is removed here.
  WaitForEndOfFile(alive_.get(), kWorkersDeathLimit);
  for (const Endpoint& endpoint : endpoints_) RemoveFilesOfTheDead(endpoint);
  if (!directory_.empty()) rmdir(directory_.c_str());
  result_ = absl::UnavailableError(absl::StrCat("the fleet's supervisor (pid ", supervisor_, ") ",
                                                how, "; its workers died with it"));
  return *result_;
}

absl::StatusOr<Fleet> Fleet::Start(const FleetOptions& options, WorkerMain worker_main) {
  DROVER_RETURN_IF_ERROR(Validate(options));
  if (worker_main == nullptr) return absl::InvalidArgumentError("Fleet::Start: no worker_main");
  DROVER_RETURN_IF_ERROR(CheckOneThread());
  DROVER_ASSIGN_OR_RETURN(StatusPage page, StatusPage::Map(options.workers));
  std::string directory;
  if (options.endpoints.empty()) {
    DROVER_ASSIGN_OR_RETURN(directory, MakeDirectory());
  }
  auto handle =
      std::make_unique<Handle>(std::move(page), std::move(directory), options.forward_signals);
  DROVER_RETURN_IF_ERROR(handle->Launch(options, std::move(worker_main)));
  return Fleet(std::move(handle));
}

Fleet::Fleet(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Fleet::Fleet(Fleet&&) noexcept = default;
Fleet& Fleet::operator=(Fleet&&) noexcept = default;
Fleet::~Fleet() = default;

const std::vector<Endpoint>& Fleet::endpoints() const { return handle_->endpoints(); }

std::vector<SlotStatus> Fleet::status() const {
  std::vector<SlotStatus> slots;
  for (int i = 0; i < handle_->page().slots(); ++i) slots.push_back(handle_->page().slot(i));
  return slots;
}

pid_t Fleet::supervisor_pid() const { return handle_->supervisor(); }

absl::Status Fleet::Wait() { return handle_->Wait(); }

absl::Status Fleet::Stop() { return handle_->Stop(); }

}  // namespace drover::fleet
