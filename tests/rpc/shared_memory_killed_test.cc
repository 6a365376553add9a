// Ends of shared memory that are killed: what becomes of the other end, and that nothing is left.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/mapping.h"
#include "support/memory_client.h"
#include "support/scripted_peer.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;
using testing_support::ChildProcess;
using testing_support::Cook;
using testing_support::MemoryClient;
using testing_support::Pipe;
using testing_support::ScriptedPeer;
using testing_support::SharedMappings;
using testing_support::Until;

// A process that serves a cook. Made while the test has one thread.
class ServerProcess {
 public:
  // The proxy of a client that shares memory with it.
  kitchen::CookProxy ConnectAndCall() {
    EXPECT_EQ(up_.Receive(), "listening");
    auto cook = Connect<kitchen::CookProxy>(endpoint_);
    EXPECT_EQ(cook.Add(1, 2).value(), 3u);
    return cook;
  }
  pid_t pid() const { return process_.pid(); }
  void Kill() { process_.Kill(SIGKILL); }

 private:
  testing_support::TempDir dir_;
  const std::string endpoint_ = "shm://" + dir_.path("cook");
  Pipe up_;
  ChildProcess process_{[this] {
    const Server server = Serve(endpoint_, std::make_shared<Cook>()).value();
    up_.Send("listening");
    for (;;) pause();
    return 0;
  }};
};

TEST(SharedMemoryWithAKilledServer, FailsCallsAtOnceAndLeavesNothing) {
  ServerProcess server;
  {
    const kitchen::CookProxy cook = server.ConnectAndCall();
    for (const pid_t end : {getpid(), server.pid()}) {
      EXPECT_THAT(SharedMappings(end), Not(IsEmpty()));
      EXPECT_THAT(SharedMappings(end), Each("/memfd:drover-rings (deleted)"));  // it has no name
    }
    auto waits = cook.async().Wait();
    std::thread killer([&server] { server.Kill(); });
    EXPECT_EQ(waits.Get().code(), absl::StatusCode::kUnavailable);
    killer.join();
    EXPECT_EQ(cook.Add(1, 2).status().code(), absl::StatusCode::kUnavailable);
  }
  Until([] { return SharedMappings(getpid()).empty(); });
}

TEST(SharedMemoryWithAKilledServer, FailsABlockedCallAtOnce) {
  ServerProcess server;
  const kitchen::CookProxy cook = server.ConnectAndCall();
  absl::Status status;
  std::thread caller([&] { status = cook.Wait(); });
  while (cook.Running().value().count == 0) std::this_thread::yield();
  server.Kill();
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

// Counts in memory that outlives its process.
class CountingCook final : public Cook {
 public:
  explicit CountingCook(std::atomic<int>* runs) : runs_(runs) {}
  absl::Status Wait() override {
    ++*runs_;
    return Cook::Wait();
  }

 private:
  std::atomic<int>* const runs_;
};

TEST(SharedMemoryWithAKilledServer, HasRunTheLostCallOnceWhenTheNextServerAnswers) {
  testing_support::TempDir dir;
  const std::string endpoint = "shm://" + dir.path("cook");
  auto* const runs =
      static_cast<std::atomic<int>*>(mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  Pipe up;
  const auto serve = [&](Pipe& go) {
    return [&] {
      if (go.Receive() != "serve") return 1;
      const Server server = Serve(endpoint, std::make_shared<CountingCook>(runs)).value();
      up.Send("listening");
      for (;;) pause();
      return 0;
    };
  };
  Pipe to_first, to_second;
  ChildProcess first(serve(to_first));
  ChildProcess second(serve(to_second));
  to_first.Send("serve");
  EXPECT_EQ(up.Receive(), "listening");
  const auto cook = Connect<kitchen::CookProxy>(endpoint);
  auto waits = cook.async().Wait();
  while (runs->load() == 0) std::this_thread::yield();
  first.Kill(SIGKILL);
  EXPECT_EQ(waits.Get().code(), absl::StatusCode::kUnavailable);
  to_second.Send("serve");
  EXPECT_EQ(up.Receive(), "listening");
  EXPECT_EQ(cook.Add(1, 2).value(), 3u);
  EXPECT_EQ(runs->load(), 1);
  munmap(runs, sizeof(std::atomic<int>));
}

// A client that is killed when the server has read a part of its message.
TEST(SharedMemoryPeerProcess, ThatIsKilledInMidFrameEndsTheConnection) {
  testing_support::TempDir dir;
  const std::string endpoint = "unix://" + dir.path("cook");
  Pipe up, down;
  ChildProcess client([&] {
    if (down.Receive() != "it serves") return 1;
    MemoryClient memory(Endpoint::Parse(endpoint).value());
    memory.AskAndGoOver();
    const auto frame =
        ScriptedPeer::Frame([&](protocol::Message::Builder m) { m.initCall().setQuestionId(1); });
    memory.peer().SendBytes(std::span(frame).first(frame.size() / 16 * 8));
    const transport::Lane& lane = memory.spoiler().out_lane();
    Until([&] { return lane.tail.load() == lane.head.load(); });
    up.Send("half of it is read");
    for (;;) pause();
    return 0;
  });
  const Server server = Serve(endpoint, std::make_shared<Cook>(),
                              {.limits = {.frame_timeout = absl::InfiniteDuration()}})
                            .value();
  down.Send("it serves");
  EXPECT_EQ(up.Receive(), "half of it is read");
  EXPECT_EQ(server.connections(), 1u);
  client.Kill(SIGKILL);
  Until([&] { return server.connections() == 0; });
  Until([] { return SharedMappings(getpid()).empty(); });
  EXPECT_EQ(Connect<kitchen::CookProxy>(endpoint).Add(1, 2).value(), 3u);
}

}  // namespace
}  // namespace drover
