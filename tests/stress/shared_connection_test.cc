// Many threads wait for answers on one connection: whoever leaves the reading leaves it to another.
// Some answers come at once, so that threads yield to each other, some late, so that they sleep,
// and some waits end before their answer.
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

constexpr int kThreads = 12;
constexpr int kRounds = 600;

class Waiter {
 public:
  Waiter(kitchen::CookProxy quick, kitchen::CookProxy slow, unsigned seed)
      : quick_(std::move(quick)), slow_(std::move(slow)), random_(seed) {}

  void Run() {
    for (uint32_t round = 0; round < kRounds; ++round) {
      switch (random_() % 32) {
        case 0:
          EXPECT_EQ(slow_.Sleep(1), absl::OkStatus());
          break;
        case 1:
          GiveUp();
          break;
        case 2:
          slow_.async().Sleep(1).Cancel();
          break;
        default:
          EXPECT_EQ(quick_.Add(round, 1).value(), round + 1);
      }
    }
  }

 private:
  void GiveUp() {
    const auto hasty = slow_.With({.timeout = absl::Microseconds(random_() % 300 + 1)});
    const absl::StatusCode code = hasty.Sleep(60'000).code();
    EXPECT_EQ(code, absl::StatusCode::kDeadlineExceeded);
  }

  const kitchen::CookProxy quick_;
  const kitchen::CookProxy slow_;
  std::minstd_rand random_;
};

TEST(ThreadsOnOneConnection, AllGetTheirAnswers) {
  const testing_support::TempDir dir;
  absl::StatusOr<Server> server =
      Serve("unix://" + dir.path("cook.sock"), std::make_shared<testing_support::Cook>());
  ASSERT_TRUE(server.ok()) << server.status();
  const auto quick = Connect<kitchen::CookProxy>(server->endpoint());
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    const absl::StatusOr<kitchen::CookProxy> slow = quick.MakeCook();
    ASSERT_TRUE(slow.ok()) << slow.status();
    threads.emplace_back([&quick, slow = *slow, i] { Waiter(quick, slow, i + 1).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace drover
