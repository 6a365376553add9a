// A forked child of a test, killed and reaped at the end whatever happens, and a pipe by which
// processes tell each other how far they are, in place of sleeping.
//
//   Pipe up;
//   ChildProcess server([&] { ...; up.Send("listening"); pause(); return 0; });
//   EXPECT_EQ(up.Receive(), "listening");
//   server.Kill(SIGKILL);
#ifndef DROVER_TESTS_SUPPORT_CHILD_PROCESS_H_
#define DROVER_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>

#include "drover/base/unique_fd.h"

namespace drover::testing_support {

class Pipe {
 public:
  Pipe() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) abort();
    reader_.Reset(fds[0]);
    writer_.Reset(fds[1]);
  }
  // One line; at most PIPE_BUF bytes, so lines of several writers do not mix.
  void Send(const std::string& line) {
    const std::string text = line + "\n";
    if (write(writer_.get(), text.data(), text.size()) < 0) abort();
  }
  // The next line; blocks for it. "EOF" once every writer is gone.
  std::string Receive() {
    std::string line;
    for (char c;;) {
      const ssize_t n = read(reader_.get(), &c, 1);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return line.empty() ? "EOF" : line;
      if (c == '\n') return line;
      line += c;
    }
  }
  void CloseWriter() { writer_.Reset(); }
  void CloseReader() { reader_.Reset(); }
  int writer() const { return writer_.get(); }
  int reader() const { return reader_.get(); }

 private:
  base::UniqueFd reader_, writer_;
};

class ChildProcess {
 public:
  explicit ChildProcess(const std::function<int()>& main) : pid_(fork()) {
    if (pid_ < 0) abort();
    if (pid_ == 0) _exit(main());
  }
  ~ChildProcess() {
    if (!reaped_) Kill(SIGKILL);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Sends `signal` and reaps; the wait status.
  int Kill(int signal) {
    kill(pid_, signal);
    return Wait();
  }
  int Wait() {
    while (!reaped_) {
      if (waitpid(pid_, &status_, 0) == pid_ || errno != EINTR) reaped_ = true;
    }
    return status_;
  }

 private:
  const pid_t pid_;
  bool reaped_ = false;
  int status_ = 0;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_CHILD_PROCESS_H_
