// Accepting beside everything else: what it may take from open connections, and what it does when
// descriptors run out.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "drover/base/log.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/transport/dial.h"
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

// Notes how many clients had been accepted when it was called.
class LateCook final : public Cook {
 public:
  explicit LateCook(const std::atomic<int>& accepted) : accepted_(accepted) {}
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    accepted_at_call = accepted_.load();
    return a + b;
  }
  std::atomic<int> accepted_at_call{0};

 private:
  const std::atomic<int>& accepted_;
};

TEST(Accepting, LetsACallOnAnOpenConnectionHaveItsTurnBeforeAllThatWaitAreAccepted) {
  constexpr int kWaiting = 200;
  const testing_support::TempDir folder;
  const std::string endpoint = "unix://" + folder.path() + "/socket";
  std::atomic<int> accepted{0};
  Pipe held, go;
  // The second client is held at the door, and with it the thread that accepts and reads, until the
  // others wait and the first one has called.
  const auto filter = [&](const PeerInfo&) {
    if (++accepted == 2) {
      held.Send("held");
      go.Receive();
    }
    return absl::OkStatus();
  };
  const auto cook = std::make_shared<LateCook>(accepted);
  const Server server = Serve(endpoint, cook, {.accept = filter}).value();
  const auto proxy = Connect<CookProxy>(endpoint);
  ASSERT_EQ(proxy.Add(1, 1).value(), 2u);
  ASSERT_EQ(cook->accepted_at_call, 1);

  std::vector<std::unique_ptr<transport::ByteStream>> waiting;
  for (int i = 0; i < kWaiting; ++i) {
    waiting.push_back(transport::Dial(*Endpoint::Parse(endpoint)).value());
  }
  EXPECT_EQ(held.Receive(), "held");
  Future<uint32_t> call = proxy.async().Add(2, 3);
  go.Send("go");
  EXPECT_EQ(call.Get().value(), 5u);
  EXPECT_LT(cook->accepted_at_call, kWaiting / 2);
  Until([&] { return accepted == 1 + kWaiting; });
}

// The server has no descriptor left, and a client waits; then another one leaves.
TEST(Accepting, GoesOnWhenAConnectionEndsAfterDescriptorsRanOut) {
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

}  // namespace
}  // namespace drover
