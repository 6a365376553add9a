#include "drover/async/thread_pool.h"

#include <atomic>
#include <thread>
#include <vector>

#include "drover/async/cancellable_wait.h"
#include "drover/async/future.h"
#include "gtest/gtest.h"
#include "support/child_process.h"

namespace drover::async {
namespace {

using testing_support::Pipe;

// Blocks tasks where Drover does not see it, until it is opened.
class Gate {
 public:
  // What a task does: says that it has begun, and waits.
  void Pass() {
    begun_.Send("begun");
    char c;
    while (read(gate_.reader(), &c, 1) > 0) {
    }
  }
  void AwaitBegun(int tasks) {
    for (int i = 0; i < tasks; ++i) EXPECT_EQ(begun_.Receive(), "begun");
  }
  void Open() { gate_.CloseWriter(); }

 private:
  Pipe begun_, gate_;
};

TEST(ThreadPool, GrowsWhileItsThreadsAreBlocked) {
  constexpr int kTasks = 30;
  auto pool = base::MakeRef<ThreadPool>(kTasks);
  Gate gate;
  for (int i = 0; i < kTasks; ++i) {
    Task task = [&] { gate.Pass(); };
    ASSERT_TRUE(pool->TryPost(task)) << i;
  }
  gate.AwaitBegun(kTasks);  // all at the same time: none of them has ended
  gate.Open();
  pool->Stop();
}

TEST(ThreadPool, RefusesCallsWhenAllItsThreadsAreBusy) {
  auto pool = base::MakeRef<ThreadPool>(2);
  Gate gate;
  for (int i = 0; i < 2; ++i) {
    Task task = [&] { gate.Pass(); };
    ASSERT_TRUE(pool->TryPost(task)) << i;
  }
  gate.AwaitBegun(2);
  bool ran = false;
  Task refused = [&] { ran = true; };
  EXPECT_FALSE(pool->TryPost(refused));
  ASSERT_TRUE(refused);
  gate.Open();
  while (!pool->TryPost(refused)) std::this_thread::yield();
  pool->Stop();
  EXPECT_TRUE(ran);
}

TEST(ThreadPool, RunsWhatMayNotBeRefusedBesideBlockedCalls) {
  auto pool = base::MakeRef<ThreadPool>(2);
  Gate gate;
  int accepted = 0;
  for (int i = 0; i < 50; ++i) {
    Task task = [&] { gate.Pass(); };
    accepted += pool->TryPost(task);
  }
  EXPECT_GE(accepted, 2);
  gate.AwaitBegun(2);
  Promise<int> done;
  Future<int> future = done.future();
  pool->Post([&] { done.Set(1); });
  EXPECT_EQ(*future.Get(), 1);
  gate.Open();
  pool->Stop();
}

TEST(ThreadPool, RunsNoMoreCallsAtATimeThanItMay) {
  constexpr int kMost = 3;
  auto pool = base::MakeRef<ThreadPool>(kMost);
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> accepted{0};
  for (int i = 0; i < 2000; ++i) {
    Task task = [&] {
      const int now = ++running;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::yield();
      --running;
    };
    accepted += pool->TryPost(task);
  }
  pool->Stop();
  EXPECT_GE(accepted, 1);
  EXPECT_LE(most, kMost);
}

TEST(ThreadPool, LetsOthersInWhileAThreadWaitsInDrover) {
  auto pool = base::MakeRef<ThreadPool>(64);
  constexpr int kTasks = 20;
  std::vector<Promise<int>> promises(kTasks);
  std::vector<Future<int>> futures;
  for (auto& promise : promises) futures.push_back(promise.future());
  Promise<int> last;
  Future<int> result = last.future();
  for (int i = 0; i < kTasks; ++i) {
    pool->Post([&, i] {
      if (i + 1 == kTasks) {
        for (auto& promise : promises) promise.Set(1);
        last.Set(kTasks);
      }
      futures[i].Get().IgnoreError();
    });
  }
  EXPECT_EQ(*result.Get(), kTasks);
  pool->Stop();
}

TEST(ThreadPool, StopFinishesQueuedWorkAndEndsIdleThreads) {
  std::atomic<int> ran{0};
  auto pool = base::MakeRef<ThreadPool>(4);
  for (int i = 0; i < 500; ++i) pool->Post([&] { ++ran; });
  pool->Stop();
  EXPECT_EQ(ran, 500);
}

TEST(ThreadPool, RunsEveryTaskOfManyPosters) {
  auto pool = base::MakeRef<ThreadPool>(8);
  std::atomic<int> ran{0};
  std::vector<std::thread> posters;
  for (int t = 0; t < 4; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) pool->Post([&] { ++ran; });
    });
  }
  for (auto& poster : posters) poster.join();
  pool->Stop();
  EXPECT_EQ(ran, 8000);
}

}  // namespace
}  // namespace drover::async
