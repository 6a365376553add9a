#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"

namespace drover {
namespace {

class PlainCook : public kitchen::CookServant {
 public:
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }
  absl::Status Fail(uint16_t code, std::string message) override {
    return absl::Status(static_cast<absl::StatusCode>(code), message);
  }
  absl::StatusOr<std::vector<uint8_t>> Echo(std::vector<uint8_t> data) override { return data; }
  absl::StatusOr<std::string> Tell(kitchen::ListenerProxy listener, std::string text) override {
    return listener.Heard(text);
  }
};

class Parrot : public kitchen::ListenerServant {
  absl::StatusOr<std::string> Heard(std::string text) override { return "heard " + text; }
};

TEST(Calls, ReturnWhatTheServantReturns) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<PlainCook>());
  ASSERT_TRUE(server.ok()) << server.status();
  auto cook = Connect<kitchen::CookProxy>(server->endpoint());
  auto sum = cook.Add(2, 3);
  ASSERT_TRUE(sum.ok()) << sum.status();
  EXPECT_EQ(*sum, 5u);
  for (uint32_t i = 0; i < 1000; ++i) ASSERT_EQ(*cook.Add(i, 1), i + 1);
  EXPECT_EQ(cook.Fail(9, "no flour"), absl::FailedPreconditionError("no flour"));
}

TEST(Calls, CarryMoreThanASocketTakesAtOnce) {
  auto server = Serve("unix:@" + std::to_string(getpid()), std::make_shared<PlainCook>());
  ASSERT_TRUE(server.ok()) << server.status();
  auto cook = Connect<kitchen::CookProxy>(server->endpoint());
  const std::vector<uint8_t> data(16 << 20, 7);
  auto answer = cook.Echo(data);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(*answer == data);
}

TEST(Calls, OfManyThreadsShareOneConnection) {
  auto server = Serve("unix:@" + std::to_string(getpid()), std::make_shared<PlainCook>());
  ASSERT_TRUE(server.ok()) << server.status();
  const auto cook = Connect<kitchen::CookProxy>(server->endpoint());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < 5000; ++i) {
        const auto sum = cook.Add(t, i);
        if (!sum.ok() || *sum != t + i) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(server->connections(), 1u);
}

TEST(Calls, ReachACallbackWhileTheCallerWaits) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<PlainCook>());
  ASSERT_TRUE(server.ok()) << server.status();
  auto cook = Connect<kitchen::CookProxy>(server->endpoint());
  auto reply = cook.Tell(std::make_shared<Parrot>(), "news");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(*reply, "heard news");
}

}  // namespace
}  // namespace drover
