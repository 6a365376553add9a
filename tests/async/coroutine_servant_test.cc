// Async servants written as coroutines.
#include <memory>
#include <thread>
#include <vector>

#include "drover/async/future.h"
#include "drover/async/thread_context.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"

namespace drover {
namespace {

class PlainCook : public kitchen::CookServant {
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }
};

// The call with a = 1 waits for the one with a = 2.
class MeetingCook : public kitchen::CookAsyncServant {
 public:
  Future<uint32_t> Add(uint32_t a, uint32_t b) override {
    if (a == 2) {
      second_came_.Set(b);
      co_return a;
    }
    absl::StatusOr<uint32_t> other = co_await second_came_.future();
    if (!other.ok()) co_return other.status();
    co_return *other;
  }

 private:
  Promise<uint32_t> second_came_;
};

TEST(CoroutineServant, TakesTheNextCallWhileOneAwaits) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<MeetingCook>());
  ASSERT_TRUE(server.ok()) << server.status();
  auto cook = Connect<kitchen::CookProxy>(server->endpoint());
  Future<uint32_t> first = cook.async().Add(1, 0);
  Future<uint32_t> second = cook.async().Add(2, 40);
  EXPECT_EQ(*first.Get(), 40u);
  EXPECT_EQ(*second.Get(), 2u);
}

// Its members have no lock: a call that ran beside another one would be seen here, and by
// ThreadSanitizer.
class CarefulCook : public kitchen::CookAsyncServant {
 public:
  explicit CarefulCook(kitchen::CookProxy helper) : helper_(std::move(helper)) {}

  Future<uint32_t> Add(uint32_t a, uint32_t b) override {
    uint32_t sum = a;
    for (int i = 0; i < 3; ++i) {
      Section();
      absl::StatusOr<uint32_t> next = co_await helper_.async().Add(sum, b);
      Section();
      if (!next.ok()) co_return next.status();
      sum = *next;
    }
    co_return sum;
  }
  int sections() const { return sections_; }
  bool ran_beside() const { return ran_beside_; }

 private:
  void Section() {
    if (inside_) ran_beside_ = true;
    inside_ = true;
    ++sections_;
    std::this_thread::yield();
    inside_ = false;
  }

  const kitchen::CookProxy helper_;
  bool inside_ = false;
  bool ran_beside_ = false;
  int sections_ = 0;
};

TEST(CoroutineServant, NeverRunsTwoCallsAtTheSameTime) {
  constexpr int kThreads = 4, kCalls = 60;
  auto helper = Serve("tcp://127.0.0.1:0", std::make_shared<PlainCook>());
  ASSERT_TRUE(helper.ok()) << helper.status();
  auto cook = std::make_shared<CarefulCook>(Connect<kitchen::CookProxy>(helper->endpoint()));
  {
    auto server = Serve("tcp://127.0.0.1:0", cook);
    ASSERT_TRUE(server.ok()) << server.status();
    std::vector<std::thread> clients;
    for (int t = 0; t < kThreads; ++t) {
      clients.emplace_back([&server] {
        auto proxy = Connect<kitchen::CookProxy>(server->endpoint());
        std::vector<Future<uint32_t>> sums;
        for (uint32_t i = 0; i < kCalls; ++i) sums.push_back(proxy.async().Add(i, 10));
        for (uint32_t i = 0; i < kCalls; ++i) EXPECT_EQ(*sums[i].Get(), i + 30);
      });
    }
    for (std::thread& client : clients) client.join();
  }
  EXPECT_FALSE(cook->ran_beside());
  EXPECT_EQ(cook->sections(), kThreads * kCalls * 6);
}

// Awaits what never comes, and tells what the await gave.
class PatientCook : public kitchen::CookAsyncServant {
 public:
  Future<void> Sleep(uint32_t) override {
    Promise<void> never;
    Future<void> future = never.future();
    began_.Set(absl::OkStatus());
    absl::Status status = co_await std::move(future);
    ended_.Set(status);
    co_return status;
  }
  Future<void> began() { return began_.future(); }
  Future<void> ended() { return ended_.future(); }

 private:
  Promise<void> began_, ended_;
};

TEST(CoroutineServant, StopsAwaitingWhenItsCallerCancels) {
  auto cook = std::make_shared<PatientCook>();
  Future<void> began = cook->began();
  Future<void> ended = cook->ended();
  auto server = Serve("tcp://127.0.0.1:0", cook);
  ASSERT_TRUE(server.ok()) << server.status();
  auto proxy = Connect<kitchen::CookProxy>(server->endpoint());
  {
    Future<void> dropped = proxy.async().Sleep(0);
    EXPECT_EQ(began.Get(), absl::OkStatus());
  }
  EXPECT_EQ(ended.Get().code(), absl::StatusCode::kCancelled);
}

TEST(CoroutineServant, StopsAwaitingWhenItsCallersConnectionEnds) {
  auto cook = std::make_shared<PatientCook>();
  Future<void> began = cook->began();
  Future<void> ended = cook->ended();
  auto server = Serve("tcp://127.0.0.1:0", cook, {.grace = absl::ZeroDuration()});
  ASSERT_TRUE(server.ok()) << server.status();
  auto proxy = Connect<kitchen::CookProxy>(server->endpoint());
  Future<void> lost = proxy.async().Sleep(0);
  EXPECT_EQ(began.Get(), absl::OkStatus());
  server->Shutdown(absl::ZeroDuration());
  EXPECT_EQ(ended.Get().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(lost.Get().ok());
}

}  // namespace
}  // namespace drover
