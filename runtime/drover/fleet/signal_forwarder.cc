#include "drover/fleet/signal_forwarder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <vector>

#include "drover/base/log.h"
#include "drover/base/mutex.h"
#include "drover/fleet/process_state.h"

namespace drover::fleet {
namespace {

constexpr int kForwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};

struct Shared {
  base::Mutex mu;
  PipeEnds pipe ABSL_GUARDED_BY(mu);  // once made, for ever
  std::multiset<int> pidfds ABSL_GUARDED_BY(mu);
  std::vector<int> taken ABSL_GUARDED_BY(mu);  // signals that have our handler
};

Shared& GetShared() {
  static Shared* shared = new Shared;  // never destroyed: a handler may still run
  return *shared;
}

// What the handler needs, for it cannot lock.
std::atomic<int> writer_fd{-1};
std::atomic<int> reader_fd{-1};
std::atomic<pid_t> owner{0};

void OnSignal(int signal) {
  const int saved = errno;
  if (getpid() == owner.load(std::memory_order_relaxed)) {
    const char byte = static_cast<char>(signal);
    [[maybe_unused]] const ssize_t n = write(writer_fd.load(std::memory_order_relaxed), &byte, 1);
  } else {  // a child that the program forked meanwhile, where the signal means what it always did
    ::signal(signal, SIG_DFL);
    raise(signal);
  }
  errno = saved;
}

void TakeDefaultSignals(Shared& shared) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shared.mu) {
  for (const int signal : kForwarded) {
    struct sigaction current {
    }, ours{};
    sigaction(signal, nullptr, &current);
    if ((current.sa_flags & SA_SIGINFO) != 0 || current.sa_handler != SIG_DFL) continue;
    ours.sa_handler = OnSignal;
    ours.sa_flags = SA_RESTART;
    sigaction(signal, &ours, nullptr);
    shared.taken.push_back(signal);
  }
}

void ReturnSignals(Shared& shared) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shared.mu) {
  for (const int signal : shared.taken) {
    struct sigaction current {
    }, by_default{};
    sigaction(signal, nullptr, &current);
    by_default.sa_handler = SIG_DFL;
    if (current.sa_handler == OnSignal) sigaction(signal, &by_default, nullptr);
  }
  shared.taken.clear();
}

}  // namespace

void SendSignal(int pidfd, int signal) {
  if (pidfd >= 0) syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

SignalForwarder::SignalForwarder(int supervisor_pidfd) : pidfd_(supervisor_pidfd) {
  Shared& shared = GetShared();
  base::MutexLock lock(&shared.mu);
  if (!shared.pipe.reader.valid()) {
    absl::StatusOr<PipeEnds> pipe = MakePipe();
    if (!pipe.ok()) {
      DROVER_LOG(kError) << "signals are not passed on to the fleet: " << pipe.status();
      return;
    }
    shared.pipe = *std::move(pipe);
    fcntl(shared.pipe.reader.get(), F_SETFL, O_NONBLOCK);
    fcntl(shared.pipe.writer.get(), F_SETFL, O_NONBLOCK);
    writer_fd = shared.pipe.writer.get();
    reader_fd = shared.pipe.reader.get();
  }
  owner = getpid();
  shared.pidfds.insert(pidfd_);
  if (shared.pidfds.size() == 1) TakeDefaultSignals(shared);
}

SignalForwarder::~SignalForwarder() {
  Forward();  // what came while the fleet was ending goes to the other fleets
  Shared& shared = GetShared();
  base::MutexLock lock(&shared.mu);
  const auto mine = shared.pidfds.find(pidfd_);
  if (mine == shared.pidfds.end()) return;
  shared.pidfds.erase(mine);
  if (shared.pidfds.empty()) ReturnSignals(shared);
}

int SignalForwarder::fd() const { return reader_fd; }

void SignalForwarder::Forward() {
  Shared& shared = GetShared();
  base::MutexLock lock(&shared.mu);
  char signal;
  while (shared.pipe.reader.valid() && read(shared.pipe.reader.get(), &signal, 1) == 1) {
    int previous = -1;
    for (const int pidfd : shared.pidfds) {  // several threads may wait for one fleet
      if (pidfd != previous) SendSignal(pidfd, signal);
      previous = pidfd;
    }
  }
}

}  // namespace drover::fleet
