// What becomes of the runtime's threads when servants wait, within Drover or elsewhere.
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "drover/async/future.h"
#include "drover/async/runtime.h"
#include "drover/async/sleep.h"
#include "drover/async/thread_context.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/child_process.h"
#include "support/until.h"

namespace drover {
namespace {

using testing_support::Pipe;

// Each test has a runtime of its own, which has not learned of the methods that others blocked in.
class ServantWait : public testing::Test {
 protected:
  Server ServeOverTcp(std::shared_ptr<Servant> servant) {
    return Serve("tcp://127.0.0.1:0", std::move(servant), {.runtime = &runtime_}).value();
  }

  Runtime runtime_;
};

class SleepyCook : public kitchen::CookServant {
 public:
  absl::Status Sleep(uint32_t) override {
    began_.Send("asleep");
    absl::Status status = drover::SleepFor(absl::InfiniteDuration());
    ended_.Set(status);
    return status;
  }
  void AwaitAsleep() { EXPECT_EQ(began_.Receive(), "asleep"); }
  Future<void> ended() { return ended_.future(); }

 private:
  Pipe began_;
  Promise<void> ended_;
};

TEST_F(ServantWait, SleepForEndsEarlyWhenTheClientDropsTheCall) {
  auto cook = std::make_shared<SleepyCook>();
  Future<void> ended = cook->ended();
  Server server = ServeOverTcp(cook);
  auto proxy = Connect<kitchen::CookProxy>(server.endpoint());
  {
    Future<void> dropped = proxy.async().Sleep(0);
    cook->AwaitAsleep();
  }
  EXPECT_EQ(ended.Get().code(), absl::StatusCode::kCancelled);
}

TEST_F(ServantWait, SleepForEndsEarlyWhenTheClientsConnectionEnds) {
  auto cook = std::make_shared<SleepyCook>();
  Future<void> ended = cook->ended();
  Server server = ServeOverTcp(cook);
  // Without detaching, dropping the future would cancel the call by a message.
  auto proxy = Connect<kitchen::CookProxy>(server.endpoint());
  Future<void> call = proxy.async().Sleep(0);
  cook->AwaitAsleep();
  server.Shutdown(absl::ZeroDuration());
  EXPECT_EQ(ended.Get().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(call.Get().ok());
}

// Blocks where Drover cannot see it: in a read from a pipe.
class StuckCook : public kitchen::CookServant {
 public:
  ~StuckCook() override { Release().IgnoreError(); }

  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }
  absl::Status Sleep(uint32_t) override { return Wait(); }
  absl::Status Wait() override {
    stuck_.fetch_add(1);
    begun_.Send("stuck");
    char c;
    while (read(gate_.reader(), &c, 1) > 0) {
    }
    return absl::OkStatus();
  }
  absl::Status Release() override {
    if (!released_.exchange(true)) gate_.CloseWriter();
    return absl::OkStatus();
  }
  absl::StatusOr<kitchen::CookRunningResults> Running() override {
    return kitchen::CookRunningResults{.count = 1, .most = 2};
  }

  size_t stuck() const { return stuck_.load(); }
  void AwaitStuck(int calls) {
    for (int i = 0; i < calls; ++i) EXPECT_EQ(begun_.Receive(), "stuck");
  }

 private:
  Pipe begun_, gate_;
  std::atomic<size_t> stuck_{0};
  std::atomic<bool> released_{false};
};

TEST_F(ServantWait, ABlockedServantDelaysNoOtherCallOfItsClient) {
  auto cook = std::make_shared<StuckCook>();
  Server server = ServeOverTcp(cook);
  auto proxy = Connect<kitchen::CookProxy>(server.endpoint());
  Future<void> stuck = proxy.async().Wait();
  cook->AwaitStuck(1);
  EXPECT_EQ(proxy.Running()->most, 2u);
  EXPECT_FALSE(stuck.ready());
  EXPECT_EQ(proxy.Release(), absl::OkStatus());
  EXPECT_EQ(stuck.Get(), absl::OkStatus());
}

TEST_F(ServantWait, ABlockedServantDelaysNoOtherClientNorANewOne) {
  auto stuck_cook = std::make_shared<StuckCook>();
  Server stuck_server = ServeOverTcp(stuck_cook);
  Server free_server = ServeOverTcp(std::make_shared<StuckCook>());
  auto other = Connect<kitchen::CookProxy>(free_server.endpoint());
  EXPECT_EQ(*other.Add(1, 2), 3u);
  auto proxy = Connect<kitchen::CookProxy>(stuck_server.endpoint());
  Future<void> stuck = proxy.async().Sleep(0);
  stuck_cook->AwaitStuck(1);
  EXPECT_EQ(*other.Add(3, 4), 7u);
  EXPECT_EQ(Connect<kitchen::CookProxy>(stuck_server.endpoint()).Running()->count, 1u);
  EXPECT_FALSE(stuck.ready());
  stuck_cook->Release().IgnoreError();
  EXPECT_EQ(stuck.Get(), absl::OkStatus());
}

TEST_F(ServantWait, ManyBlockedServantsDelayNoOtherCall) {
  constexpr int kStuck = 40;
  auto cook = std::make_shared<StuckCook>();
  Server server = ServeOverTcp(cook);
  auto proxy = Connect<kitchen::CookProxy>(server.endpoint());
  std::vector<Future<void>> stuck;
  for (int i = 0; i < kStuck; ++i) stuck.push_back(proxy.async().Wait());
  cook->AwaitStuck(kStuck);
  EXPECT_EQ(*proxy.Add(1, 2), 3u);
  EXPECT_EQ(proxy.Release(), absl::OkStatus());
  for (Future<void>& call : stuck) EXPECT_EQ(call.Get(), absl::OkStatus());
}

TEST(RuntimeThreads, OneIsEnoughToServe) {
  Runtime runtime({.max_threads = 1});
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<StuckCook>(), {.runtime = &runtime});
  ASSERT_TRUE(server.ok()) << server.status();
  auto proxy = Connect<kitchen::CookProxy>(server->endpoint());
  for (uint32_t i = 0; i < 100; ++i) {
    auto sum = proxy.Add(i, 1);
    // A thread that loses its CPU between the answer and the end of a call still counts as busy.
    while (absl::IsResourceExhausted(sum.status())) sum = proxy.Add(i, 1);
    ASSERT_TRUE(sum.ok()) << sum.status();
    EXPECT_EQ(*sum, i + 1);
  }
}

TEST(RuntimeThreads, ACallBeyondTheLimitFailsWithResourceExhausted) {
  constexpr int kMost = 3;
  Runtime runtime({.max_threads = kMost});
  auto cook = std::make_shared<StuckCook>();
  auto server = Serve("tcp://127.0.0.1:0", cook, {.runtime = &runtime});
  ASSERT_TRUE(server.ok()) << server.status();
  auto proxy = Connect<kitchen::CookProxy>(server->endpoint());
  std::vector<Future<void>> stuck;
  while (stuck.size() < kMost) {
    stuck.push_back(proxy.async().Wait());
    // What the scheduler holds up counts as a call that does not come back, for a moment.
    testing_support::Until([&] { return cook->stuck() == stuck.size() || stuck.back().ready(); });
    if (stuck.back().ready()) stuck.pop_back();
  }
  // The last one may have begun inline, which counts only once the runtime sees that it blocks.
  absl::Status refused;
  while ((refused = proxy.Running().status()).ok()) {
  }
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  cook->Release().IgnoreError();
  for (Future<void>& call : stuck) EXPECT_EQ(call.Get(), absl::OkStatus());
  while (!proxy.Running().ok()) std::this_thread::yield();  // there is room again
}

TEST(RuntimeThreads, EndWithARuntimeThatServedAndCalled) {
  for (int i = 0; i < 20; ++i) {
    Runtime runtime({.max_threads = 4});
    auto server = Serve("tcp://127.0.0.1:0", std::make_shared<StuckCook>(), {.runtime = &runtime});
    ASSERT_TRUE(server.ok()) << server.status();
    auto proxy = Connect<kitchen::CookProxy>(server->endpoint(), {.runtime = &runtime});
    EXPECT_EQ(*proxy.Add(1, 2), 3u);
    Future<void> dropped = proxy.async().Wait();
    proxy.Release().IgnoreError();
  }
}

TEST(Then, OfACallNeverRunsOnAThreadThatReads) {
  Runtime runtime;
  Server server =
      Serve("tcp://127.0.0.1:0", std::make_shared<StuckCook>(), {.runtime = &runtime}).value();
  auto proxy = Connect<kitchen::CookProxy>(server.endpoint());
  for (int i = 0; i < 200; ++i) {
    bool reads = false;
    std::thread::id ran_on;
    // It comes before the answer to the second call, so whoever reads that reads it too.
    Future<uint32_t> first = proxy.async().Add(1, 2);
    const bool ready_before = first.ready();
    Future<void> next = std::move(first).Then([&](absl::StatusOr<uint32_t>) {
      const async::ThreadContext& context = async::ThreadContext::Current();
      reads = context.reactor != nullptr;
      ran_on = std::this_thread::get_id();
    });
    const bool ran_at_once = next.ready();
    EXPECT_EQ(*proxy.Add(3, 4), 7u);
    EXPECT_EQ(next.Get(), absl::OkStatus());
    EXPECT_FALSE(reads);
    if (!ready_before && !ran_at_once) {
      EXPECT_NE(ran_on, std::this_thread::get_id());
    }
  }
}

}  // namespace
}  // namespace drover
