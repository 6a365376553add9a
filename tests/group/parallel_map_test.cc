#include "drover/group/parallel_map.h"

#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "held_cook.h"

namespace drover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One argument, so that it is a method for ParallelMap.
Future<uint32_t> AddOne(const kitchen::CookProxy::Async& cook, uint32_t item) {
  return cook.Add(item, 1);
}

class Plain : public kitchen::CookServant {
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }
  absl::Status Sleep(uint32_t millis) override {
    return millis == 0 ? absl::OkStatus() : absl::OutOfRangeError("too long");
  }
};

TEST(ParallelMap, GivesResultsInTheOrderOfTheItems) {
  std::vector<kitchen::CookProxy> cooks(3);
  for (auto& cook : cooks) cook = std::make_shared<Plain>();
  std::vector<uint32_t> items(100);
  for (uint32_t i = 0; i < items.size(); ++i) items[i] = i;
  auto results = ParallelMap(cooks, items, AddOne, {.in_flight = 4});
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), items.size());
  for (uint32_t i = 0; i < items.size(); ++i) EXPECT_EQ((*results)[i], i + 1);
}

TEST(ParallelMap, OfAMethodWithoutResultsGivesAStatus) {
  std::vector<kitchen::CookProxy> cooks = {std::make_shared<Plain>()};
  EXPECT_EQ(ParallelMap(cooks, std::vector<uint32_t>{0, 0}, &kitchen::CookProxy::Async::Sleep),
            absl::OkStatus());
  absl::Status status =
      ParallelMap(cooks, std::vector<uint32_t>{0, 5}, &kitchen::CookProxy::Async::Sleep);
  EXPECT_EQ(status, absl::OutOfRangeError("item 1 of 2: too long"));
}

TEST(ParallelMap, GivesTheNextItemToTheProxyThatIsFree) {
  Kitchens kitchens(2);
  absl::StatusOr<std::vector<uint32_t>> results;
  std::thread caller([&] {
    results = ParallelMap(kitchens.proxies(), std::vector<uint32_t>{10, 20, 30, 40}, AddOne);
  });
  HeldCook::Call slow = kitchens[0].Take();
  EXPECT_EQ(slow.a, 10u);
  for (uint32_t item : {20, 30, 40}) {
    EXPECT_EQ(kitchens[0].waiting(), 0u);
    HeldCook::Call call = kitchens[1].Take();
    EXPECT_EQ(call.a, item);
    call.answer.Set(item + 1);
  }
  slow.answer.Set(11);
  caller.join();
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(*results, ElementsAre(11, 21, 31, 41));
}

TEST(ParallelMap, FailsWithTheFirstErrorAndCancelsTheRest) {
  Kitchens kitchens(2);
  absl::StatusOr<std::vector<uint32_t>> results;
  std::thread caller([&] {
    results = ParallelMap(kitchens.proxies(), std::vector<uint32_t>{10, 20, 30}, AddOne);
  });
  HeldCook::Call first = kitchens[0].Take();
  kitchens[1].Take().answer.Set(absl::DataLossError("burnt"));
  kitchens[0].AwaitCancelled(1);
  caller.join();
  EXPECT_EQ(results.status(), absl::DataLossError("item 1 of 3: burnt"));
}

TEST(ParallelMap, DoesNotSendALostItemAgain) {
  Kitchens kitchens(2);
  absl::StatusOr<std::vector<uint32_t>> results;
  std::thread caller([&] {
    results = ParallelMap(kitchens.proxies(), std::vector<uint32_t>{10, 20}, AddOne);
  });
  HeldCook::Call lost = kitchens[0].Take();
  HeldCook::Call kept = kitchens[1].Take();
  kitchens.Close(0);
  caller.join();
  EXPECT_EQ(results.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(results.status().message(), HasSubstr("item 0 of 2: "));
  EXPECT_EQ(kitchens[1].waiting(), 0u);
}

TEST(ParallelMap, SendsALostItemToAnotherProxyIfThatIsAllowed) {
  Kitchens kitchens(2);
  absl::StatusOr<std::vector<uint32_t>> results;
  std::thread caller([&] {
    results = ParallelMap(kitchens.proxies(), std::vector<uint32_t>{10, 20, 30}, AddOne,
                          {.resend_lost = true});
  });
  HeldCook::Call lost = kitchens[0].Take();
  HeldCook::Call kept = kitchens[1].Take();
  kitchens.Close(0);
  kept.answer.Set(21);
  std::vector<uint32_t> later;
  for (int i = 0; i < 2; ++i) {
    HeldCook::Call call = kitchens[1].Take();
    later.push_back(call.a);
    call.answer.Set(call.a + 1);
  }
  caller.join();
  EXPECT_THAT(later, ::testing::UnorderedElementsAre(10, 30));
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(*results, ElementsAre(11, 21, 31));
}

TEST(ParallelMap, FailsWhenEveryProxyIsLost) {
  Kitchens kitchens(2);
  kitchens.Close(0);
  kitchens.Close(1);
  auto results = ParallelMap(kitchens.proxies(), std::vector<uint32_t>{1, 2, 3}, AddOne,
                             {.resend_lost = true});
  EXPECT_EQ(results.status().code(), absl::StatusCode::kUnavailable);
}

TEST(ParallelMap, NeedsProxiesForItemsAndALimitAboveZero) {
  const std::vector<kitchen::CookProxy> none;
  EXPECT_EQ(ParallelMap(none, std::vector<uint32_t>{1}, AddOne).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(ParallelMap(none, std::vector<uint32_t>(), AddOne).ok());
  EXPECT_EQ(ParallelMap(none, std::vector<uint32_t>{1}, AddOne, {.in_flight = 0}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace drover
