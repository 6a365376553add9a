#include <memory>
#include <string>
#include <vector>

#include "drover/group/all.h"
#include "drover/group/race.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "held_cook.h"

namespace drover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<HeldCook::Call> TakeFromEach(Kitchens& kitchens, int count) {
  std::vector<HeldCook::Call> calls;
  for (int i = 0; i < count; ++i) calls.push_back(kitchens[i].Take());
  return calls;
}

TEST(All, GivesResultsInTheOrderOfTheFutures) {
  Kitchens kitchens(3);
  auto all = All(Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u));
  auto calls = TakeFromEach(kitchens, 3);
  for (uint32_t i : {2, 0, 1}) calls[i].answer.Set(i);
  auto sums = all.Get();
  ASSERT_TRUE(sums.ok()) << sums.status();
  EXPECT_THAT(*sums, ElementsAre(0, 1, 2));
}

TEST(All, OfNoFuturesIsThereAtOnce) {
  auto values = All(std::vector<Future<int>>());
  EXPECT_TRUE(values.ready());
  EXPECT_TRUE(values.Get()->empty());
  EXPECT_EQ(All(std::vector<Future<void>>()).Get(), absl::OkStatus());
}

TEST(All, OfVoidIsOkWhenAllAre) {
  std::vector<Promise<void>> promises(2);
  std::vector<Future<void>> futures;
  for (auto& promise : promises) futures.push_back(promise.future());
  Future<void> all = All(std::move(futures));
  promises[0].Set(absl::OkStatus());
  EXPECT_FALSE(all.ready());
  promises[1].Set(absl::OkStatus());
  EXPECT_EQ(all.Get(), absl::OkStatus());
}

TEST(All, FailsWithTheFirstErrorAndCancelsTheOthers) {
  Kitchens kitchens(3);
  auto all = All(Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u));
  auto calls = TakeFromEach(kitchens, 3);
  calls[1].answer.Set(absl::NotFoundError("no flour"));
  EXPECT_EQ(all.Get().status(), absl::NotFoundError("no flour"));
  kitchens[0].AwaitCancelled(1);
  kitchens[2].AwaitCancelled(1);
}

TEST(All, FailsAtOnceForAFutureWithoutWork) {
  EXPECT_EQ(All(std::vector<Future<int>>(2)).Get().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(All, CancelsEveryFutureWhenItIsDropped) {
  Kitchens kitchens(2);
  auto all = All(Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u));
  auto calls = TakeFromEach(kitchens, 2);
  all = {};
  kitchens[0].AwaitCancelled(1);
  kitchens[1].AwaitCancelled(1);
}

// A servant that waits for All in its own turn must not wait for itself.
class Head : public kitchen::CookServant {
 public:
  explicit Head(std::vector<kitchen::CookProxy> cooks) : cooks_(std::move(cooks)) {}
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    DROVER_ASSIGN_OR_RETURN(std::vector<uint32_t> sums,
                            All(Map(cooks_, &kitchen::CookProxy::Async::Add, a, b)).Get());
    return sums[0] + sums[1];
  }

 private:
  const std::vector<kitchen::CookProxy> cooks_;
};

TEST(All, CanBeWaitedForInAServant) {
  Kitchens kitchens(2);
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Head>(kitchens.proxies()));
  ASSERT_TRUE(server.ok()) << server.status();
  auto sum = Connect<kitchen::CookProxy>(server->endpoint()).async().Add(1, 2);
  auto calls = TakeFromEach(kitchens, 2);
  calls[0].answer.Set(3);
  calls[1].answer.Set(4);
  EXPECT_EQ(*sum.Get(), 7u);
}

TEST(Race, GivesTheFirstSuccessAndCancelsTheOthers) {
  Kitchens kitchens(3);
  auto race = Race(Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u));
  auto calls = TakeFromEach(kitchens, 3);
  calls[0].answer.Set(absl::NotFoundError("no flour"));
  calls[2].answer.Set(7);
  EXPECT_EQ(*race.Get(), 7u);
  kitchens[1].AwaitCancelled(1);
}

TEST(Race, FailsWithAllErrorsWhenAllFail) {
  std::vector<Future<int>> futures;
  futures.push_back(absl::UnavailableError("gone"));
  futures.push_back(absl::NotFoundError("no flour"));
  absl::Status status = Race(std::move(futures)).Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "2 of 2 failed: [0] UNAVAILABLE: gone; [1] NOT_FOUND: no flour");
}

TEST(Race, OfOneGivesItsErrorAsItIs) {
  std::vector<Future<void>> futures;
  futures.push_back(absl::NotFoundError("no flour"));
  EXPECT_EQ(Race(std::move(futures)).Get(), absl::NotFoundError("no flour"));
}

TEST(Race, OfNoFuturesIsInvalid) {
  EXPECT_EQ(Race(std::vector<Future<int>>()).Get().status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Race, CancelsEveryFutureWhenItIsCancelled) {
  Kitchens kitchens(2);
  auto race = Race(Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u));
  auto calls = TakeFromEach(kitchens, 2);
  race.Cancel();
  kitchens[0].AwaitCancelled(1);
  kitchens[1].AwaitCancelled(1);
  EXPECT_EQ(race.Get().status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace drover
