// Accepting beside everything else: what it may take from open connections, which of them count,
// and what it does when descriptors run out.
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "drover/base/log.h"
#include "drover/base/sanitizer.h"
#include "drover/base/status_macros.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/transport/dial.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using testing_support::ChildProcess;
using testing_support::Cook;
using testing_support::Pipe;
using testing_support::Until;

// Says when it is called.
class HeardCook final : public Cook {
 public:
  explicit HeardCook(Pipe& called) : called_(called) {}
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    called_.Send("called");
    return a + b;
  }

 private:
  Pipe& called_;
};

TEST(Accepting, LetsACallOnAnOpenConnectionHaveItsTurnBeforeAllThatWaitAreAccepted) {
  constexpr int kWaiting = 200;
  constexpr int kLongMillis = 30'000;
  const testing_support::TempDir folder;
  const std::string endpoint = "unix://" + folder.path() + "/socket";
  std::atomic<int> accepted{0};
  std::atomic<bool> starved{false};
  Pipe held, go, called;
  // The second client is held at the door, and with it the thread that accepts and reads, until the
  // others wait and the first one has called. Half of the others are in: the call must have been
  // read by now.
  const auto filter = [&](const PeerInfo&) {
    const int number = ++accepted;
    if (number == 2) {
      held.Send("held");
      go.Receive();
    }
    if (number == kWaiting / 2) {
      pollfd poll_fd{.fd = called.reader(), .events = POLLIN, .revents = 0};
      starved = poll(&poll_fd, 1, kLongMillis) != 1;
    }
    return absl::OkStatus();
  };
  const Server server =
      Serve(endpoint, std::make_shared<HeardCook>(called), {.accept = filter}).value();
  const auto proxy = Connect<CookProxy>(endpoint);
  ASSERT_EQ(proxy.Add(1, 1).value(), 2u);
  EXPECT_EQ(called.Receive(), "called");

  std::vector<std::unique_ptr<transport::ByteStream>> waiting;
  for (int i = 0; i < kWaiting; ++i) {
    waiting.push_back(transport::Dial(*Endpoint::Parse(endpoint)).value());
  }
  EXPECT_EQ(held.Receive(), "held");
  Future<uint32_t> call = proxy.async().Add(2, 3);
  go.Send("go");
  EXPECT_EQ(call.Get().value(), 5u);
  Until([&] { return accepted == 1 + kWaiting; });
  EXPECT_FALSE(starved);
}

// The server has no descriptor left, and a client waits; then another one leaves.
TEST(Accepting, GoesOnWhenAConnectionEndsAfterDescriptorsRanOut) {
#ifdef DROVER_ASAN
  GTEST_SKIP() << "UBSan looks at memory through a pipe, which takes descriptors";
#endif
  const testing_support::TempDir folder;
  const std::string endpoint = "unix://" + folder.path() + "/socket";
  Pipe to_server, from_server, warnings;
  ChildProcess server([&] {
    SetLogSink([&](LogSeverity, std::string_view line) { warnings.Send(std::string(line)); });
    const auto serving = Serve(endpoint, std::make_shared<Cook>());
    if (!serving.ok()) return 1;
    from_server.Send("serving");
    to_server.Receive();
    const int next = dup(STDIN_FILENO);
    if (next < 0) return 2;
    close(next);
    rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(next);
    setrlimit(RLIMIT_NOFILE, &limit);
    from_server.Send("full");
    to_server.Receive();
    return 0;
  });
  warnings.CloseWriter();
  EXPECT_EQ(from_server.Receive(), "serving");
  auto first = Connect<CookProxy>(endpoint);
  ASSERT_EQ(first.Add(1, 1).value(), 2u);
  to_server.Send("fill");
  EXPECT_EQ(from_server.Receive(), "full");

  const auto second = Connect<CookProxy>(endpoint);
  Future<uint32_t> call = second.async().Add(2, 3);
  EXPECT_NE(warnings.Receive().find("cannot accept: Too many open files"), std::string::npos);
  first = CookProxy();
  EXPECT_EQ(call.Get().value(), 5u);
  to_server.Send("end");
  const int status = server.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  // It was said once, however often it was tried.
  EXPECT_EQ(warnings.Receive(), "EOF");
}

// Its notes wait at the gate.
class GatedCook final : public Cook {
 public:
  absl::Status Note(uint32_t entry) override {
    DROVER_RETURN_IF_ERROR(gate.Pass());
    return Cook::Note(entry);
  }
};

TEST(Accepting, CountsAConnectionThatHasEndedUntilItsOneWayCallsHave) {
  const testing_support::TempDir folder;
  const std::string endpoint = "unix://" + folder.path() + "/socket";
  Pipe to_client;
  ChildProcess client([&] {
    if (to_client.Receive() != "call") return 1;
    const auto proxy = Connect<CookProxy>(endpoint);
    if (!proxy.Add(1, 1).ok() || !proxy.one_way().Note(7).ok()) return 2;
    return proxy.Wait().ok() ? 0 : 3;
  });
  const auto cook = std::make_shared<GatedCook>();
  const Server server = Serve(endpoint, cook, {.limits = {.max_connections = 1}}).value();
  to_client.Send("call");
  cook->gate.AwaitArrivals(2);
  client.Kill(SIGKILL);
  cook->gate.AwaitCancellations(1);  // of Wait: the connection has ended
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(Connect<CookProxy>(endpoint).Add(1, 2).status().code(), absl::StatusCode::kUnavailable);
  cook->gate.Open();
  Until([&] { return server.connections() == 0; });
  EXPECT_EQ(Connect<CookProxy>(endpoint).Add(1, 2).value(), 3u);
  EXPECT_THAT(CookProxy(cook).Notes().value(), testing::ElementsAre(7));
}

}  // namespace
}  // namespace drover
