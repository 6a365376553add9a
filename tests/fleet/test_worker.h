// A worker for tests: answers each connection's one command, one after the other.
//
//   'p'  its process id        'f'  how many descriptors it has beyond the standard three
//   'r'  its slot's restarts   '0'..'9'  nothing: exits with that code
//   'q'  nothing: exits with code 125
#ifndef DROVER_TESTS_FLEET_TEST_WORKER_H_
#define DROVER_TESTS_FLEET_TEST_WORKER_H_

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "drover/fleet/fleet.h"
#include "drover/transport/dial.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/until.h"

namespace drover::fleet {

inline void SendText(transport::ByteStream& to, const std::string& text) {
  const iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  to.Write({&piece, 1});
}

// All until the peer closes.
inline std::string ReceiveText(transport::ByteStream& from) {
  std::string text;
  std::byte byte;
  while (from.Read({&byte, 1}, transport::Wait::kBlock).bytes == 1) {
    text += static_cast<char>(byte);
  }
  return text;
}

inline int CountDescriptors() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    count += std::stoi(entry.path().filename()) > 2;
  }
  return count - 1;  // the iterator's own
}

// Serves until asked to stop; `answer` may add commands: what it returns is sent.
inline int ServeCommands(WorkerContext& context,
                         const std::function<std::string(char)>& answer = nullptr) {
  std::unique_ptr<transport::Listener> listener = context.TakeListener();
  context.NotifyReady();
  for (;;) {
    pollfd fds[] = {{.fd = listener->fd(), .events = POLLIN, .revents = 0},
                    {.fd = context.stop_fd(), .events = POLLIN, .revents = 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return 0;
    absl::StatusOr<std::unique_ptr<transport::ByteStream>> stream = listener->Accept();
    if (!stream.ok()) return 99;
    if (*stream == nullptr) continue;
    std::byte command{};
    (*stream)->Read({&command, 1}, transport::Wait::kBlock);
    const char c = static_cast<char>(command);
    if (c >= '0' && c <= '9') return c - '0';
    if (c == 'q') return kDoNotRestartExitCode;
    if (c == 'p') SendText(**stream, absl::StrCat(getpid()));
    if (c == 'r') SendText(**stream, absl::StrCat(context.restarts()));
    if (c == 'f') SendText(**stream, absl::StrCat(CountDescriptors() - 1));  // this connection
    if (answer) SendText(**stream, answer(c));
  }
}

inline WorkerMain TestWorker() {
  return [](WorkerContext& context) { return ServeCommands(context); };
}

// Waits in the backlog if need be, and dials again where a worker died with the connection.
inline std::string Ask(const Endpoint& endpoint, char command) {
  for (;;) {
    auto stream = transport::Dial(endpoint);
    EXPECT_TRUE(stream.ok()) << stream.status();
    if (!stream.ok()) return "";
    SendText(**stream, std::string(1, command));
    const std::string answer = ReceiveText(**stream);
    if (!answer.empty()) return answer;
  }
}

inline pid_t PidAt(const Endpoint& endpoint) { return std::stoi(Ask(endpoint, 'p')); }

// Sends a command that has no answer; returns when the worker has ended.
inline void Tell(const Endpoint& endpoint, char command) {
  auto stream = transport::Dial(endpoint);
  ASSERT_TRUE(stream.ok()) << stream.status();
  SendText(**stream, std::string(1, command));
  ReceiveText(**stream);
}

using testing_support::Until;

inline bool Refused(const Endpoint& endpoint) {
  auto stream = transport::Dial(endpoint);
  if (stream.ok()) {
    std::byte byte;
    return (*stream)->Read({&byte, 1}, transport::Wait::kBlock).error == ECONNREFUSED;
  }
  return stream.status().code() == absl::StatusCode::kUnavailable;
}

inline std::string DirectoryOf(const Endpoint& endpoint) {
  return std::filesystem::path(endpoint.path()).parent_path();
}

inline Fleet StartOrDie(const FleetOptions& options, WorkerMain worker = TestWorker()) {
  absl::StatusOr<Fleet> fleet = Fleet::Start(options, std::move(worker));
  if (!fleet.ok()) {
    ADD_FAILURE() << fleet.status();
    abort();
  }
  return *std::move(fleet);
}

}  // namespace drover::fleet

#endif  // DROVER_TESTS_FLEET_TEST_WORKER_H_
