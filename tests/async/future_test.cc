#include "drover/async/future.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "drover/async/cancellation.h"
#include "drover/async/thread_context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

TEST(Future, GivesTheResultSetBefore) {
  Promise<int> promise;
  Future<int> future = promise.future();
  EXPECT_FALSE(future.ready());
  promise.Set(7);
  EXPECT_TRUE(future.ready());
  EXPECT_EQ(*future.Get(), 7);
  EXPECT_FALSE(future.valid());
}

TEST(Future, GivesTheErrorSetBefore) {
  Promise<void> promise;
  Future<void> future = promise.future();
  promise.Set(absl::NotFoundError("nobody"));
  EXPECT_EQ(future.Get(), absl::NotFoundError("nobody"));
}

TEST(Future, KeepsTheFirstResult) {
  Promise<int> promise;
  Future<int> future = promise.future();
  promise.Set(1);
  promise.Set(2);
  EXPECT_EQ(*future.Get(), 1);
}

TEST(Future, WaitsForAResultOfAnotherThread) {
  for (int i = 0; i < 2000; ++i) {
    Promise<int> promise;
    Future<int> future = promise.future();
    std::thread completer([&promise, i] { promise.Set(i); });
    EXPECT_EQ(*future.Get(), i);
    completer.join();
  }
}

TEST(Future, CarriesMoveOnlyResults) {
  Promise<std::unique_ptr<int>> promise;
  Future<std::unique_ptr<int>> future = promise.future();
  promise.Set(std::make_unique<int>(3));
  EXPECT_EQ(**future.Get(), 3);
}

TEST(Future, MovesToAnotherThread) {
  Promise<std::string> promise;
  Future<std::string> future = promise.future();
  std::string got;
  std::thread waiter([&got, future = std::move(future)]() mutable { got = *future.Get(); });
  EXPECT_FALSE(future.valid());  // NOLINT: what a future is after a move is the point
  promise.Set("here");
  waiter.join();
  EXPECT_EQ(got, "here");
}

TEST(Future, WithoutWorkGivesFailedPrecondition) {
  Future<int> future;
  EXPECT_TRUE(future.WaitUntil(absl::InfiniteFuture()));
  EXPECT_EQ(future.Get().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::move(future).Then([](absl::StatusOr<int>) {}).Get().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(Future, WaitUntilTellsWhetherTheResultIsThereAndLetsTheWorkGoOn) {
  Promise<int> promise;
  Future<int> future = promise.future();
  EXPECT_FALSE(future.WaitUntil(absl::Now() + absl::Milliseconds(2)));
  EXPECT_FALSE(future.WaitFor(absl::ZeroDuration()));
  promise.Set(5);
  EXPECT_TRUE(future.WaitUntil(absl::InfinitePast()));
  EXPECT_EQ(*future.Get(), 5);
}

TEST(Future, CancelStopsTheWorkAndGivesCancelled) {
  Promise<int> promise;
  Future<int> future = promise.future();
  int stops = 0;
  promise.OnCancel([&] { ++stops; });
  future.Cancel();
  EXPECT_EQ(stops, 1);
  promise.Set(5);
  EXPECT_EQ(future.Get().status().code(), absl::StatusCode::kCancelled);
}

TEST(Future, CancelChangesNothingOnceTheResultIsThere) {
  Promise<int> promise;
  Future<int> future = promise.future();
  int stops = 0;
  promise.OnCancel([&] { ++stops; });
  promise.Set(5);
  future.Cancel();
  EXPECT_EQ(stops, 0);
  EXPECT_EQ(*future.Get(), 5);
}

TEST(Future, DroppingItCancelsTheWork) {
  Promise<int> promise;
  int stops = 0;
  promise.OnCancel([&] { ++stops; });
  { Future<int> future = promise.future(); }
  EXPECT_EQ(stops, 1);
}

TEST(Future, AssigningToItCancelsTheWork) {
  Promise<int> promise;
  int stops = 0;
  promise.OnCancel([&] { ++stops; });
  Future<int> future = promise.future();
  future = Future<int>(4);
  EXPECT_EQ(stops, 1);
  EXPECT_EQ(*future.Get(), 4);
}

TEST(Future, DetachLetsTheWorkGoOn) {
  Promise<int> promise;
  int stops = 0;
  promise.OnCancel([&] { ++stops; });
  promise.future().Detach();
  promise.Set(1);
  EXPECT_EQ(stops, 0);
}

TEST(Promise, DroppedUnsetGivesAborted) {
  Future<int> future;
  {
    Promise<int> promise;
    future = promise.future();
  }
  EXPECT_EQ(future.Get().status().code(), absl::StatusCode::kAborted);
}

TEST(Promise, RunsAHookSetAfterTheCancellationAtOnce) {
  Promise<int> promise;
  Future<int> future = promise.future();
  future.Cancel();
  int stops = 0;
  promise.OnCancel([&] { ++stops; });
  EXPECT_EQ(stops, 1);
}

TEST(Promise, KeepsTheLastHookOnly) {
  Promise<int> promise;
  Future<int> future = promise.future();
  std::string stops;
  promise.OnCancel([&] { stops += "a"; });
  promise.OnCancel([&] { stops += "b"; });
  future.Cancel();
  EXPECT_EQ(stops, "b");
}

TEST(Then, RunsAtOnceOnThisThreadIfTheResultIsThere) {
  std::thread::id ran_on;
  Future<int> next = Future<int>(20).Then([&](absl::StatusOr<int> value) {
    ran_on = std::this_thread::get_id();
    return *value + 1;
  });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  ASSERT_TRUE(next.ready());
  EXPECT_EQ(*next.Get(), 21);
}

TEST(Then, RunsOnThePoolIfTheResultComesLater) {
  Promise<int> promise;
  std::thread::id ran_on;
  bool on_pool = false;
  Future<void> next = promise.future().Then([&](absl::StatusOr<int> value) {
    EXPECT_EQ(*value, 7);
    ran_on = std::this_thread::get_id();
    on_pool = async::ThreadContext::Current().pool != nullptr;
  });
  std::thread::id completed_on;
  std::thread completer([&] {
    completed_on = std::this_thread::get_id();
    promise.Set(7);
  });
  EXPECT_EQ(next.Get(), absl::OkStatus());
  completer.join();
  EXPECT_TRUE(on_pool);
  EXPECT_NE(ran_on, completed_on);
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(Then, GivesTheStatusThatTheFunctionReturns) {
  Future<void> next =
      Future<int>(1).Then([](absl::StatusOr<int>) { return absl::DataLossError("gone"); });
  EXPECT_EQ(next.Get(), absl::DataLossError("gone"));
  Future<std::string> other = Future<int>(1).Then(
      [](absl::StatusOr<int>) { return absl::StatusOr<std::string>("a string"); });
  EXPECT_EQ(*other.Get(), "a string");
}

TEST(Then, CancellingItsFutureCancelsTheWork) {
  Promise<int> promise;
  int stops = 0;
  promise.OnCancel([&] { ++stops; });
  Promise<absl::StatusCode> seen;
  Future<absl::StatusCode> code = seen.future();
  {
    Future<void> next =
        promise.future().Then([&](absl::StatusOr<int> value) { seen.Set(value.status().code()); });
  }
  EXPECT_EQ(stops, 1);
  EXPECT_EQ(*code.Get(), absl::StatusCode::kCancelled);
}

// A wait within a servant's call, as the runtime arranges it.
TEST(Future, IsCancelledWithTheCallThatWaitsForIt) {
  auto cancellation = base::MakeRef<async::Cancellation>();
  Promise<int> promise;
  Future<int> future = promise.future();
  promise.OnCancel([] {});
  absl::StatusOr<int> result;
  std::thread servant([&] {
    async::UserCodeScope scope(nullptr, cancellation.get());
    result = future.Get();
  });
  cancellation->Cancel();
  servant.join();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
}

TEST(Future, HasOneResultWhenCancelAndCompletionMeet) {
  for (int i = 0; i < 2000; ++i) {
    auto cancellation = base::MakeRef<async::Cancellation>();
    Promise<std::string> promise;
    Future<std::string> future = promise.future();
    std::thread completer([&] { promise.Set(std::string(100, 'x')); });
    std::thread canceller([&] { cancellation->Cancel(); });
    async::UserCodeScope scope(nullptr, cancellation.get());
    absl::StatusOr<std::string> result = future.Get();
    if (result.ok()) {
      EXPECT_EQ(*result, std::string(100, 'x'));
    } else {
      EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
    }
    completer.join();
    canceller.join();
  }
}

TEST(Future, RunsItsContinuationOnceWhenCancelAndCompletionMeet) {
  for (int i = 0; i < 2000; ++i) {
    Promise<int> promise;
    std::atomic<int> runs{0};
    Future<void> next = promise.future().Then([&](absl::StatusOr<int>) { ++runs; });
    base::Ref<async::FutureState<void>> state = next.state();
    std::thread completer([&] { promise.Set(1); });
    next.Cancel();
    completer.join();
    while (runs == 0) std::this_thread::yield();
    EXPECT_EQ(runs, 1);
  }
}

}  // namespace
}  // namespace drover
