#include "drover/fleet/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/base/log.h"
#include "drover/base/trusted_processes.h"

namespace drover::fleet {
namespace {

int stop_writer = -1;  // for the signal handler; set before it is installed

void OnStopSignal(int) {
  const int saved = errno;
  // A full pipe says what it has to.
  [[maybe_unused]] const ssize_t n = write(stop_writer, "S", 1);
  errno = saved;
}

// A handler and a pipe rather than a blocked signal: a mask would pass to what the worker execs.
void InstallStopHandlers() {
  struct sigaction action {};
  action.sa_handler = OnStopSignal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) sigaction(signal, &action, nullptr);
}

}  // namespace

void RunWorkerProcess(WorkerSetup setup, const WorkerMain& worker_main) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != setup.supervisor) _exit(1);  // it died before prctl
  prctl(PR_SET_NAME, absl::StrCat("drover-worker-", setup.slot).c_str());

  absl::StatusOr<PipeEnds> stop = MakePipe();
  if (!stop.ok()) {
    DROVER_LOG(kError) << "worker " << setup.slot << ": " << stop.status();
    _exit(1);
  }
  fcntl(stop->writer.get(), F_SETFL, O_NONBLOCK);
  stop_writer = stop->writer.get();

  std::vector<int> keep = setup.listener->fds();
  keep.insert(keep.end(), setup.keep_fds.begin(), setup.keep_fds.end());
  keep.insert(keep.end(), {setup.ready.get(), stop->reader.get(), stop->writer.get()});
  CloseAllExcept(std::move(keep));
  base::TrustedProcesses::TrustWithChildren(setup.supervisor);  // the other workers
  base::TrustedProcesses::Trust(setup.host);
  setrlimit(RLIMIT_NOFILE, &setup.descriptors);

  // All signals are blocked until the mask is restored: one that came meanwhile is handled then.
  const sigset_t blocked = [] {
    sigset_t all;
    sigfillset(&all);
    return all;
  }();
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  setup.signals->RestoreActions();
  InstallStopHandlers();
  setup.signals->RestoreMask();
  sigset_t stops;
  sigemptyset(&stops);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) sigaddset(&stops, signal);
  sigprocmask(SIG_UNBLOCK, &stops, nullptr);

  int code;
  {
    WorkerContext context(setup.slot, setup.restarts, std::move(setup.listener),
                          std::move(setup.ready), stop->reader.get());
    code = worker_main(context);
  }
  FlushStdio();
  _exit(code);
}

}  // namespace drover::fleet
