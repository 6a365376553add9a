#include "common/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iostream>
#include <utility>

#include "drover/base/unique_fd.h"

namespace drover::bench {
namespace {

// A client that hangs ends the run with an error instead of stopping it.
constexpr unsigned kLongestSeconds = 300;
constexpr int kLongestStartMs = 60000;

void RunOn(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : cpus) CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    std::cerr << "bench: sched_setaffinity: errno " << errno << "\n";
    _exit(1);
  }
}

// Forks; in the child, sees to the CPUs and that it ends with its parent.
absl::StatusOr<pid_t> Fork(const std::vector<int>& cpus) {
  std::cout.flush();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    RunOn(cpus);
  }
  return pid;
}

int Reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

absl::StatusOr<std::pair<base::UniqueFd, base::UniqueFd>> Pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  return std::pair(base::UniqueFd(fds[0]), base::UniqueFd(fds[1]));
}

// Whether all of it came.
bool ReadAll(int fd, void* into, size_t size) {
  char* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t n = read(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= n;
  }
  return true;
}

bool WriteAll(int fd, const void* from, size_t size) {
  return write(fd, from, size) == ssize_t(size);
}

}  // namespace

std::vector<int> AllowedCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

absl::StatusOr<ServerProcess> ServerProcess::Start(
    const std::vector<int>& cpus,
    const std::function<absl::Status(const std::function<void()>& ready)>& serve) {
  auto pipe = Pipe();
  if (!pipe.ok()) return pipe.status();
  auto& [reader, writer] = *pipe;
  absl::StatusOr<pid_t> pid = Fork(cpus);
  if (!pid.ok()) return pid.status();
  if (*pid == 0) {
    reader.Reset();
    absl::Status status = serve([&] { WriteAll(writer.get(), "r", 1); });
    std::cerr << "bench: the server ended: " << status << "\n";
    _exit(1);
  }
  writer.Reset();
  ServerProcess server(*pid);
  pollfd ready = {reader.get(), POLLIN, 0};
  if (poll(&ready, 1, kLongestStartMs) == 0) {
    return absl::DeadlineExceededError("it was not ready after a minute");
  }
  char byte;
  if (!ReadAll(reader.get(), &byte, 1)) return absl::InternalError("it ended before it was ready");
  return server;
}

ServerProcess::~ServerProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  Reap(pid_);
}

absl::StatusOr<Sample> RunInProcess(const std::vector<int>& cpus,
                                    const std::function<absl::StatusOr<Sample>()>& measure) {
  auto pipe = Pipe();
  if (!pipe.ok()) return pipe.status();
  auto& [reader, writer] = *pipe;
  absl::StatusOr<pid_t> pid = Fork(cpus);
  if (!pid.ok()) return pid.status();
  if (*pid == 0) {
    reader.Reset();
    alarm(kLongestSeconds);
    absl::StatusOr<Sample> sample = measure();
    if (!sample.ok()) std::cerr << "bench: " << sample.status() << "\n";
    const bool sent = sample.ok() && WriteAll(writer.get(), &*sample, sizeof *sample);
    _exit(sent ? 0 : 1);
  }
  writer.Reset();
  Sample sample;
  const bool came = ReadAll(reader.get(), &sample, sizeof sample);
  const int status = Reap(*pid);
  if (!came && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    return absl::DeadlineExceededError("the client was not done after " +
                                       std::to_string(kLongestSeconds) + " s");
  }
  if (!came) {
    return absl::InternalError("the client ended without a result, wait status " +
                               std::to_string(status));
  }
  return sample;
}

}  // namespace drover::bench
