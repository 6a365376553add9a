// Going over to shared memory: when, when not, and that nothing is lost or reordered by it.
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using ::testing::HasSubstr;
using testing_support::ChildProcess;
using testing_support::Cook;
using testing_support::Parrot;
using testing_support::Pipe;

// More than enough calls.
constexpr uint32_t kMany = 500;

class SharedMemory : public testing::Test {
 protected:
  ~SharedMemory() override { cook_->gate.Open(); }

  Server ServeAt(const std::string& scheme, const ServerOptions& options = {}) {
    return Serve(scheme + dir_.path("cook"), cook_, options).value();
  }
  static void CallOften(const kitchen::CookProxy& cook, uint32_t calls = kMany) {
    for (uint32_t i = 0; i < calls; ++i) ASSERT_EQ(cook.Add(i, 1).value(), i + 1);
  }
  static size_t Sharing(const Server& server) {
    size_t sharing = 0;
    for (const auto& connection : server.Stats().connections) sharing += connection.shares_memory;
    return sharing;
  }
  // Until its connection does: when it has gone over, the server's threads decide.
  static void CallUntilSharing(const Server& server, const kitchen::CookProxy& cook) {
    while (Sharing(server) == 0 && !HasFailure()) CallOften(cook, 1);
  }
  // Whether they do after many calls, of client and server that are each a process with this
  // DROVER_SHM.
  void ExpectSharingWith(const std::string& scheme, const char* of_client, const char* of_server,
                         const std::string& expected) {
    Pipe to_server, from_server, to_client, from_client;
    const ChildProcess server([&] {
      setenv("DROVER_SHM", of_server, 1);
      const Server serving = ServeAt(scheme);
      from_server.Send("listening");
      while (to_server.Receive() == "how many?") {
        from_server.Send(std::to_string(Sharing(serving)));
      }
      return 1;
    });
    const ChildProcess client([&] {
      setenv("DROVER_SHM", of_client, 1);
      if (to_client.Receive() != "call") return 1;
      const auto cook = Connect<kitchen::CookProxy>(scheme + dir_.path("cook"));
      bool ok = true;
      for (uint32_t i = 0; ok && i < kMany; ++i) ok = cook.Add(i, 1).ok();
      from_client.Send(ok ? "called" : "failed");
      for (;;) pause();
      return 0;
    });
    EXPECT_EQ(from_server.Receive(), "listening");
    to_client.Send("call");
    EXPECT_EQ(from_client.Receive(), "called");
    std::string sharing;
    do {
      to_server.Send("how many?");
      sharing = from_server.Receive();
    } while (sharing < expected);
    EXPECT_EQ(sharing, expected);
  }

  testing_support::TempDir dir_;
  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
};

TEST_F(SharedMemory, IsGoneOverToOnceThereIsTraffic) {
  const Server server = ServeAt("unix://");
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  CallUntilSharing(server, cook);
}

TEST_F(SharedMemory, IsNotTakenForAFewCalls) {
  const Server server = ServeAt("unix://");
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  CallOften(cook, 5);
  EXPECT_EQ(Sharing(server), 0u);
}

TEST_F(SharedMemory, IsGoneOverToForALargeAnswer) {
  const Server server = ServeAt("unix://");
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  EXPECT_EQ(cook.Echo(std::vector<uint8_t>(1 << 20)).value().size(), 1u << 20);
  testing_support::Until([&] { return Sharing(server) == 1; });  // without a further call
}

TEST_F(SharedMemory, IsNotTakenByAClientToldNotTo) {
  const Server server = ServeAt("unix://");
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint(), {.shared_memory = false});
  CallOften(cook);
  EXPECT_EQ(Sharing(server), 0u);
}

TEST_F(SharedMemory, IsNotSharedByAServerToldNotTo) {
  const Server server = ServeAt("unix://", {.shared_memory = false});
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  CallOften(cook);
  EXPECT_EQ(Sharing(server), 0u);
}

TEST_F(SharedMemory, IsUsedFromTheFirstCallAtAShmEndpoint) {
  const Server server = ServeAt("shm://", {.shared_memory = false});
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint(), {.shared_memory = false});
  CallOften(cook, 1);
  EXPECT_EQ(Sharing(server), 1u);
}

TEST_F(SharedMemory, IsInsistedOnByAShmEndpoint) {
  const Server server = ServeAt("unix://", {.shared_memory = false});
  const std::string endpoint = "shm://" + dir_.path("cook");
  const absl::Status status = Connect<kitchen::CookProxy>(endpoint).Add(1, 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(endpoint));
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not share memory"));
}

TEST_F(SharedMemory, OfAllClientsIsLimitedAndTheOthersStayOnTheirSockets) {
  const Server server = ServeAt("unix://", {.limits = {.max_shared_memory = 4 << 20}});
  std::vector<kitchen::CookProxy> cooks;
  for (int i = 0; i < 5; ++i) {
    cooks.push_back(Connect<kitchen::CookProxy>(server.endpoint()));
    CallOften(cooks.back());
  }
  EXPECT_EQ(Sharing(server), 2u);
  cooks.erase(cooks.begin());
  while (server.Stats().connections.size() > 4) std::this_thread::yield();
  // What is given back is there for others; when, the server's threads decide.
  while (Sharing(server) < 2) {
    cooks.push_back(Connect<kitchen::CookProxy>(server.endpoint()));
    CallOften(cooks.back());
  }
}

TEST_F(SharedMemory, KeepsTheOrderOfCallsThatAreUnderWay) {
  for (int round = 0; round < 20; ++round) {
    const auto cook = std::make_shared<Cook>();
    const Server server = Serve("unix://" + dir_.path("orderly"), cook).value();
    const auto proxy = Connect<kitchen::CookProxy>(server.endpoint());
    std::deque<Future<void>> notes;
    for (uint32_t i = 0; i < 2'000; ++i) {
      notes.push_back(proxy.async().Note(i));
      if (notes.size() < 64) continue;
      ASSERT_EQ(notes.front().Get(), absl::OkStatus());
      notes.pop_front();
    }
    const std::vector<uint32_t> noted = proxy.Notes().value();
    ASSERT_EQ(noted.size(), 2'000u);
    for (uint32_t i = 0; i < 2'000; ++i) ASSERT_EQ(noted[i], i);
    CallUntilSharing(server, proxy);
  }
}

TEST_F(SharedMemory, KeepsCallsOfBothSidesThatAreUnderWay) {
  for (const char* scheme : {"unix://", "shm://"}) {
    const Server server = ServeAt(scheme);
    const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
    const kitchen::ListenerProxy listener(std::make_shared<Parrot>());
    std::vector<Future<std::string>> told;
    for (uint32_t i = 0; i < kMany; ++i) {
      told.push_back(cook.async().Tell(listener, std::to_string(i)));
    }
    for (uint32_t i = 0; i < kMany; ++i) {
      EXPECT_EQ(told[i].Get().value(), "heard " + std::to_string(i));
    }
    CallUntilSharing(server, cook);
  }
}

TEST_F(SharedMemory, IsGoneOverToWhileManyThreadsCall) {
  for (const char* scheme : {"unix://", "shm://"}) {
    const Server server = ServeAt(scheme);
    const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&cook, t] {
        for (uint32_t i = 0; i < 200; ++i) {
          EXPECT_EQ(cook.Add(i, 1).value(), i + 1);
          if (i % 16 != 0) continue;
          const std::vector<uint8_t> data(static_cast<size_t>(100'000 * t + 1),
                                          static_cast<uint8_t>(t));
          EXPECT_EQ(cook.Echo(data).value(), data);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CallUntilSharing(server, cook);
  }
}

TEST_F(SharedMemory, CarriesMoreAtOnceThanTheRingHolds) {
  const Server server = ServeAt("shm://");
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  std::vector<Future<std::vector<uint8_t>>> echoes;
  for (int i = 0; i < 16; ++i) {
    echoes.push_back(cook.async().Echo(std::vector<uint8_t>(3 << 20, static_cast<uint8_t>(i))));
  }
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(echoes[static_cast<size_t>(i)].Get().value(),
              std::vector<uint8_t>(3 << 20, static_cast<uint8_t>(i)));
  }
}

TEST_F(SharedMemory, IsIdleAndThenUsedAgain) {
  const Server server = ServeAt("shm://");
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  auto waits = cook.async().Wait();  // nobody reads but the reactor
  EXPECT_FALSE(waits.WaitFor(absl::Milliseconds(50)));
  cook_->gate.Open();
  EXPECT_EQ(waits.Get(), absl::OkStatus());
  EXPECT_EQ(cook.Add(1, 2).value(), 3u);
}

TEST_F(SharedMemory, KeepsDeadlines) {
  const Server server = ServeAt("shm://");
  const auto cook = Connect<kitchen::CookProxy>(server.endpoint());
  CallOften(cook, 1);
  EXPECT_EQ(cook.With({.timeout = absl::Milliseconds(20)}).Wait().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(cook.Add(1, 2).value(), 3u);
}

TEST_F(SharedMemory, IsNotTakenWhereTheEnvironmentSaysNot) {
  ExpectSharingWith("unix://", "1", "1", "1");
  ExpectSharingWith("unix://", "0", "1", "0");
  ExpectSharingWith("unix://", "1", "0", "0");
}

TEST_F(SharedMemory, IsTakenAtAShmEndpointWhateverTheEnvironmentSays) {
  ExpectSharingWith("shm://", "0", "1", "1");
  ExpectSharingWith("shm://", "1", "0", "1");
}

}  // namespace
}  // namespace drover
