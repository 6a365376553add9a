#include "drover/fleet/process_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "drover/base/sanitizer.h"

namespace drover::fleet {
namespace {

bool IsFault(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
         signal == SIGABRT || signal == SIGTRAP || signal == SIGSYS;
}

// The numbers in a directory of /proc.
std::vector<int> NumbersIn(const char* directory) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory), closedir);
  if (dir == nullptr) return numbers;
  while (const dirent* entry = readdir(dir.get())) {
    if (entry->d_name[0] != '.') numbers.push_back(std::atoi(entry->d_name));
  }
  return numbers;
}

void CloseRange(int first, int last) {
  if (first > last || close_range(first, last, 0) == 0) return;
  for (const int fd : NumbersIn("/proc/self/fd")) {  // a kernel before 5.9
    if (fd >= first && fd <= last) close(fd);
  }
}

}  // namespace

SignalState SignalState::Save() {
  SignalState state;
  sigprocmask(SIG_SETMASK, nullptr, &state.mask_);
  for (int signal = 1; signal <= 64; ++signal) {
    sigaction(signal, nullptr, &state.actions_[signal]);
  }
  return state;
}

void SignalState::RestoreActions() const {
  for (int signal = 1; signal <= 64; ++signal) {
    // Not SIGKILL and SIGSTOP, nor the two that the C library keeps for itself.
    if (signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33) continue;
    sigaction(signal, &actions_[signal], nullptr);
  }
}

void BlockAllSignals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

void ResetSignalHandlers() {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33) continue;
    if (!IsFault(signal)) sigaction(signal, &by_default, nullptr);
  }
}

void CloseAllExcept(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  int first = STDERR_FILENO + 1;
  for (const int fd : keep) {
    if (fd < first) continue;
    CloseRange(first, fd - 1);
    first = fd + 1;
  }
  CloseRange(first, INT_MAX);
}

absl::StatusOr<PipeEnds> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  PipeEnds ends{base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
  for (base::UniqueFd* end : {&ends.reader, &ends.writer}) {
    if (end->get() > STDERR_FILENO) continue;  // a host that runs with standard output closed
    end->Reset(fcntl(end->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!end->valid()) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  }
  return ends;
}

void FlushStdio() {
  std::cout.flush();
  std::clog.flush();
  std::fflush(nullptr);
}

int CountThreads() {
  int threads = 0;
  // A thread that was joined a moment ago may still be listed.
  for (int attempt = 0; attempt < 50; ++attempt) {
    threads = static_cast<int>(NumbersIn("/proc/self/task").size());
#ifdef DROVER_TSAN
    if (threads > 1) --threads;  // the sanitizer's own, which it stops and restarts around a fork
#endif
    if (threads <= 1) break;
    const timespec pause{.tv_sec = 0, .tv_nsec = 1000000};
    nanosleep(&pause, nullptr);
  }
  return threads;
}

std::string DescribeWaitStatus(int wait_status) {
  if (WIFEXITED(wait_status)) return absl::StrCat("exited with code ", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return absl::StrCat("was killed by signal ", signal, " (", std::string(strsignal(signal)), ")");
}

}  // namespace drover::fleet
