#include "drover/base/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace drover::base {
namespace {

TEST(Mutexes, LetOneThreadInAtATime) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  Mutex mu;
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        MutexLock lock(&mu);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kRounds);
}

TEST(Mutexes, ThatAreHeldCannotBeLockedByATry) {
  Mutex mu;
  const auto can_lock = [&mu] {
    bool locked = false;
    std::thread([&] {
      if (mu.TryLock()) {
        locked = true;
        mu.Unlock();
      }
    }).join();
    return locked;
  };
  mu.Lock();
  EXPECT_FALSE(can_lock());
  mu.Unlock();
  EXPECT_TRUE(can_lock());
}

TEST(CondVars, WakeTheOtherEachTimeThatTwoTakeTurns) {
  constexpr int kTurns = 10'000;
  Mutex mu;
  CondVar changed;
  int turn = 0;
  const auto play = [&](int mine) {
    MutexLock lock(&mu);
    while (turn < kTurns) {
      if (turn % 2 == mine) {
        ++turn;
        changed.Signal();
      } else {
        changed.Wait(&mu);
      }
    }
  };
  std::thread other([&] { play(1); });
  play(0);
  other.join();
  EXPECT_GE(turn, kTurns);
}

TEST(CondVars, SignalAllWakesAll) {
  Mutex mu;
  CondVar changed;
  int waiting = 0;
  bool go = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      MutexLock lock(&mu);
      ++waiting;
      changed.SignalAll();
      while (!go) changed.Wait(&mu);
    });
  }
  {
    MutexLock lock(&mu);
    while (waiting < 4) changed.Wait(&mu);
    go = true;
    changed.SignalAll();
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(CondVars, SayWhenTheDeadlineHasPassed) {
  Mutex mu;
  CondVar changed;
  MutexLock lock(&mu);
  EXPECT_TRUE(changed.WaitUntil(&mu, absl::InfinitePast()));
  EXPECT_TRUE(changed.WaitUntil(&mu, absl::Now() - absl::Seconds(1)));
  const absl::Time soon = absl::Now() + absl::Milliseconds(5);
  while (!changed.WaitUntil(&mu, soon)) {  // it may wake up without a cause
  }
  EXPECT_GE(absl::Now(), soon);
}

TEST(CondVars, SayWhenSoLongHasPassed) {
  Mutex mu;
  CondVar changed;
  MutexLock lock(&mu);
  EXPECT_TRUE(changed.WaitFor(&mu, absl::ZeroDuration()));
  EXPECT_TRUE(changed.WaitFor(&mu, -absl::Seconds(1)));
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  while (!changed.WaitFor(&mu, absl::FromChrono(end - std::chrono::steady_clock::now()))) {
  }
  EXPECT_GE(std::chrono::steady_clock::now(), end);
}

TEST(CondVars, ThatAreSignalledDoNotWaitForTheDeadline) {
  Mutex mu;
  CondVar changed;
  bool waits = false;
  bool done = false;
  std::thread other([&] {
    MutexLock lock(&mu);
    while (!waits) changed.Wait(&mu);
    done = true;
    changed.Signal();
  });
  {
    MutexLock lock(&mu);
    waits = true;
    changed.Signal();
    bool passed = false;
    while (!done && !passed) passed = changed.WaitUntil(&mu, absl::Now() + absl::Hours(1));
    EXPECT_FALSE(passed);
  }
  other.join();
}

}  // namespace
}  // namespace drover::base
