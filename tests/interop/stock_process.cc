#include "interop/stock_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "drover/base/unique_fd.h"
#include "gtest/gtest.h"

namespace drover::interop {
namespace {

struct Started {
  pid_t pid = -1;
  base::UniqueFd output;
};

// Runs a program; its standard output comes through a pipe. An empty argument is left out.
Started Start(const char* program, std::string first, std::string second) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "pipe2: errno " << errno;
    return {};
  }
  Started started;
  started.output = base::UniqueFd(fds[0]);
  base::UniqueFd writer(fds[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writer.get(), STDOUT_FILENO);
  char* const arguments[] = {const_cast<char*>(program), first.data(),
                             second.empty() ? nullptr : second.data(), nullptr};
  if (int error = posix_spawn(&started.pid, program, &actions, nullptr, arguments, environ)) {
    ADD_FAILURE() << program << ": errno " << error;
    started.pid = -1;
  }
  posix_spawn_file_actions_destroy(&actions);
  return started;
}

// Up to the end of a line, or of the file.
std::string Read(int fd, bool one_line) {
  std::string text;
  char byte;
  for (;;) {
    ssize_t n = read(fd, &byte, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || (one_line && byte == '\n')) return text;
    text += byte;
  }
}

int Wait(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

StockServer::StockServer(const std::string& endpoint, const std::string& option) {
  Started started = Start(DROVER_STOCK_SERVER, endpoint, option);
  pid_ = started.pid;
  if (pid_ > 0) endpoint_ = Read(started.output.get(), /*one_line=*/true);
  if (endpoint_.empty()) ADD_FAILURE() << "no stock_server at " << endpoint;
}

StockServer::~StockServer() { Stop(); }

int StockServer::Stop() {
  if (pid_ <= 0) return -1;
  kill(pid_, SIGTERM);
  const int status = Wait(pid_);
  pid_ = -1;
  return status;
}

void StockServer::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  Wait(pid_);
  pid_ = -1;
}

StockClient::StockClient(const std::string& endpoint, const std::string& group) {
  Started started = Start(DROVER_STOCK_CLIENT, endpoint, group);
  pid_ = started.pid;
  output_ = std::move(started.output);
}

StockClient::~StockClient() { Kill(); }

std::string StockClient::ReadLine() { return Read(output_.get(), /*one_line=*/true); }

std::string StockClient::Wait() {
  if (pid_ <= 0) return "it did not start";
  std::string output = Read(output_.get(), /*one_line=*/false);
  const int status = interop::Wait(std::exchange(pid_, -1));
  if (status != 0) output += "exit status " + std::to_string(status);
  return output;
}

void StockClient::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  interop::Wait(std::exchange(pid_, -1));
}

std::string RunStockClient(const std::string& endpoint, const std::string& group) {
  return StockClient(endpoint, group).Wait();
}

}  // namespace drover::interop
