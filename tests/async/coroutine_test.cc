#include "drover/async/coroutine.h"

#include <stdexcept>
#include <string>
#include <thread>

#include "drover/async/future.h"
#include "drover/async/thread_context.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

Future<std::string> Describe(Future<int> number) {
  absl::StatusOr<int> value = co_await std::move(number);
  if (!value.ok()) co_return value.status();
  co_return std::to_string(*value);
}

TEST(Coroutine, GoesOnAtOnceWithAReadyFuture) {
  Future<std::string> text = Describe(Future<int>(4));
  ASSERT_TRUE(text.ready());
  EXPECT_EQ(*text.Get(), "4");
}

TEST(Coroutine, WaitsForAFutureThatIsNotReady) {
  Promise<int> promise;
  Future<std::string> text = Describe(promise.future());
  EXPECT_FALSE(text.ready());
  promise.Set(5);
  EXPECT_EQ(*text.Get(), "5");
}

TEST(Coroutine, ReturnsAStatus) {
  Promise<int> promise;
  Future<std::string> text = Describe(promise.future());
  promise.Set(absl::NotFoundError("no number"));
  EXPECT_EQ(text.Get().status(), absl::NotFoundError("no number"));
}

Future<void> Check(Future<void> done, std::thread::id* resumed_on) {
  absl::Status status = co_await std::move(done);
  *resumed_on = std::this_thread::get_id();
  co_return status;
}

TEST(Coroutine, ResumesOnThePoolNotOnTheThreadThatCompletes) {
  Promise<void> promise;
  std::thread::id resumed_on;
  Future<void> done = Check(promise.future(), &resumed_on);
  promise.Set(absl::OkStatus());
  EXPECT_EQ(done.Get(), absl::OkStatus());
  EXPECT_NE(resumed_on, std::this_thread::get_id());
}

TEST(Coroutine, GivesFailedPreconditionForAFutureWithoutWork) {
  EXPECT_EQ(Describe(Future<int>()).Get().status().code(), absl::StatusCode::kFailedPrecondition);
}

Future<void> Throw() {
  if (true) throw std::runtime_error("thrown");
  co_return absl::OkStatus();
}

TEST(Coroutine, TurnsAnExceptionIntoInternal) {
  EXPECT_EQ(Throw().Get().code(), absl::StatusCode::kInternal);
}

Future<int> AddUp(std::vector<Future<int>> numbers) {
  int sum = 0;
  for (Future<int>& number : numbers) {
    absl::StatusOr<int> value = co_await std::move(number);
    if (!value.ok()) co_return value.status();
    sum += *value;
  }
  co_return sum;
}

TEST(Coroutine, AwaitsOneFutureAfterTheOther) {
  for (int round = 0; round < 500; ++round) {
    std::vector<Promise<int>> promises(4);
    std::vector<Future<int>> futures;
    for (auto& promise : promises) futures.push_back(promise.future());
    std::thread completer([&] {
      for (int i = 0; i < 4; ++i) promises[i].Set(i);
    });
    EXPECT_EQ(*AddUp(std::move(futures)).Get(), 6);
    completer.join();
  }
}

// Tells what its awaits gave.
Future<void> Record(Future<void> first, Future<void> second,
                    Promise<std::vector<absl::Status>> seen) {
  std::vector<absl::Status> statuses;
  statuses.push_back(co_await std::move(first));
  statuses.push_back(co_await std::move(second));
  seen.Set(statuses);
  co_return absl::OkStatus();
}

TEST(Coroutine, CancellingItsFutureCancelsWhatItAwaitsThenAndLater) {
  Promise<void> first, second;
  int stops = 0;
  first.OnCancel([&] { ++stops; });
  Promise<std::vector<absl::Status>> seen;
  Future<std::vector<absl::Status>> statuses = seen.future();
  { Future<void> dropped = Record(first.future(), second.future(), std::move(seen)); }
  EXPECT_EQ(stops, 1);
  auto got = statuses.Get();
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ((*got)[0].code(), absl::StatusCode::kCancelled);
  EXPECT_EQ((*got)[1].code(), absl::StatusCode::kCancelled);
}

TEST(Coroutine, GoesOnWhenItsFutureIsDetached) {
  Promise<void> first, second;
  Promise<std::vector<absl::Status>> seen;
  Future<std::vector<absl::Status>> statuses = seen.future();
  Record(first.future(), second.future(), std::move(seen)).Detach();
  first.Set(absl::OkStatus());
  second.Set(absl::NotFoundError("gone"));
  auto got = statuses.Get();
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ((*got)[0], absl::OkStatus());
  EXPECT_EQ((*got)[1], absl::NotFoundError("gone"));
}

}  // namespace
}  // namespace drover
