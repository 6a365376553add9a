// Threads that cannot be started: what is posted waits for one that can, and nobody is harmed.
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <future>
#include <system_error>

#include "drover/async/runtime_thread.h"
#include "drover/async/thread_pool.h"
#include "drover/base/sanitizer.h"
#include "gtest/gtest.h"

namespace drover::async {
namespace {

// No address space for the stack of another thread, for a scope.
class NoRoomForThreads {
 public:
  NoRoomForThreads() {
    EXPECT_EQ(getrlimit(RLIMIT_AS, &before_), 0);
    unsigned long pages = 0;
    FILE* const file = fopen("/proc/self/statm", "r");
    EXPECT_EQ(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    rlimit lower = before_;
    lower.rlim_cur = pages * 4096 + (1 << 20);
    EXPECT_EQ(setrlimit(RLIMIT_AS, &lower), 0);
  }
  ~NoRoomForThreads() { EXPECT_EQ(setrlimit(RLIMIT_AS, &before_), 0); }

 private:
  rlimit before_;
};

class ThreadStart : public testing::Test {
 protected:
  void SetUp() override {
#ifdef DROVER_SANITIZED
    GTEST_SKIP() << "the sanitizer itself needs address space";
#endif
  }
};

TEST_F(ThreadStart, ThatFailsLeavesTheSignalsOfItsCallerAsTheyWere) {
  sigset_t before, after;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &before), 0);
  {
    const NoRoomForThreads none;
    EXPECT_THROW(StartRuntimeThread("drover-test", [] {}), std::system_error);
  }
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &after), 0);
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    EXPECT_EQ(sigismember(&after, signal), sigismember(&before, signal)) << signal;
  }
}

TEST_F(ThreadStart, ThatFailsLosesNoTaskAndThrowsAtNobody) {
  std::promise<void> first, second;
  ThreadPool pool(4);
  {
    const NoRoomForThreads none;
    pool.Post([&] { first.set_value(); });
  }
  pool.Post([&] { second.set_value(); });
  first.get_future().wait();
  second.get_future().wait();
}

}  // namespace
}  // namespace drover::async
