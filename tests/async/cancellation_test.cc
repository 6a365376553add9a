#include "drover/async/cancellation.h"

#include <fcntl.h>

#include <atomic>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "drover/async/parker.h"
#include "drover/async/sleep.h"
#include "drover/async/thread_context.h"
#include "gtest/gtest.h"
#include "support/child_process.h"

namespace drover::async {
namespace {

TEST(Cancellation, RunsEachHookOnce) {
  auto cancellation = base::MakeRef<Cancellation>();
  std::string runs;
  EXPECT_NE(cancellation->AddHook([&] { runs += "a"; }), 0u);
  EXPECT_NE(cancellation->AddHook([&] { runs += "b"; }), 0u);
  EXPECT_FALSE(cancellation->cancelled());
  cancellation->Cancel();
  cancellation->Cancel();
  EXPECT_TRUE(cancellation->cancelled());
  EXPECT_EQ(runs, "ab");
}

TEST(Cancellation, RunsAHookAddedLaterAtOnce) {
  auto cancellation = base::MakeRef<Cancellation>();
  cancellation->Cancel();
  int runs = 0;
  EXPECT_EQ(cancellation->AddHook([&] { ++runs; }), 0u);
  EXPECT_EQ(runs, 1);
}

TEST(Cancellation, ForgetsARemovedHook) {
  auto cancellation = base::MakeRef<Cancellation>();
  int runs = 0;
  const uint64_t id = cancellation->AddHook([&] { ++runs; });
  cancellation->RemoveHook(id);
  cancellation->RemoveHook(id);
  cancellation->Cancel();
  EXPECT_EQ(runs, 0);
}

TEST(Cancellation, LetsAHookUseIt) {
  auto cancellation = base::MakeRef<Cancellation>();
  int inner = 0;
  cancellation->AddHook([&] { cancellation->AddHook([&] { ++inner; }); });
  cancellation->Cancel();
  EXPECT_EQ(inner, 1);
}

TEST(Cancellation, WakesAThreadThatWaits) {
  auto cancellation = base::MakeRef<Cancellation>();
  testing_support::Pipe registered;
  std::thread waiter([&] {
    Parker& parker = Parker::ForThisThread();
    cancellation->AddWaiter(&parker);
    registered.Send("registered");
    while (!cancellation->cancelled()) parker.Park(absl::InfiniteFuture());
    cancellation->RemoveWaiter(&parker);
  });
  EXPECT_EQ(registered.Receive(), "registered");
  cancellation->Cancel();
  waiter.join();
}

TEST(Cancellation, WakesAThreadThatComesLater) {
  auto cancellation = base::MakeRef<Cancellation>();
  cancellation->Cancel();
  Parker& parker = Parker::ForThisThread();
  cancellation->AddWaiter(&parker);
  parker.Park(absl::InfiniteFuture());
  cancellation->RemoveWaiter(&parker);
}

TEST(SleepFor, SleepsItsTime) {
  const absl::Time start = absl::Now();
  EXPECT_EQ(drover::SleepFor(absl::Milliseconds(3)), absl::OkStatus());
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(3));
}

TEST(SleepFor, EndsWithCancelledWhenTheCallIsCancelled) {
  auto cancellation = base::MakeRef<Cancellation>();
  absl::Status status;
  std::thread servant([&] {
    UserCodeScope scope(nullptr, cancellation.get());
    status = drover::SleepFor(absl::InfiniteDuration());
  });
  cancellation->Cancel();
  servant.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST(Parker, RemembersAnUnparkThatCameBefore) {
  Parker& parker = Parker::ForThisThread();
  parker.Unpark();
  parker.Unpark();
  parker.Park(absl::InfiniteFuture());
  const absl::Time deadline = absl::Now() + absl::Milliseconds(2);
  while (absl::Now() < deadline) parker.Park(deadline);  // both were one
}

TEST(Parker, WakesByAnotherThread) {
  Parker& parker = Parker::ForThisThread();
  for (int i = 0; i < 500; ++i) {
    std::atomic<bool> done{false};
    std::thread waker([&] {
      done = true;
      parker.Unpark();
    });
    while (!done) parker.Park(absl::InfiniteFuture());
    waker.join();
  }
}

TEST(Parker, WaitsForADescriptorOrAnUnpark) {
  Parker& parker = Parker::ForThisThread();
  testing_support::Pipe pipe;
  EXPECT_FALSE(parker.ParkWithFd(pipe.reader(), absl::Now() + absl::Milliseconds(1)));
  parker.Unpark();
  EXPECT_FALSE(parker.ParkWithFd(pipe.reader(), absl::InfiniteFuture()));
  for (int i = 0; i < 500; ++i) {
    std::atomic<bool> done{false};
    std::thread waker([&] {
      done = true;
      parker.Unpark();
    });
    while (!done) EXPECT_FALSE(parker.ParkWithFd(pipe.reader(), absl::InfiniteFuture()));
    waker.join();
  }
  pipe.Send("readable");
  while (!parker.ParkWithFd(pipe.reader(), absl::InfiniteFuture())) {
  }
}

TEST(Parker, OfAChildIsNotTheParents) {
  Parker& parker = Parker::ForThisThread();
  testing_support::Pipe never;
  EXPECT_FALSE(parker.ParkWithFd(never.reader(), absl::Now()));  // makes what is shared by a fork
  parker.Unpark();
  testing_support::ChildProcess child([&] { return &Parker::ForThisThread() == &parker ? 1 : 0; });
  const int status = child.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace drover::async
