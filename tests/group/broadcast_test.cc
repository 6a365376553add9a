#include "drover/group/broadcast.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "held_cook.h"

namespace drover {
namespace {

using ::testing::HasSubstr;

TEST(Map, StartsEveryCallBeforeAnyIsAnswered) {
  Kitchens kitchens(3);
  auto answers = Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u);
  std::vector<HeldCook::Call> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(kitchens[i].Take());
  for (HeldCook::Call& call : calls) call.answer.Set(call.a + call.b);
  ASSERT_EQ(answers.size(), 3u);
  for (auto& answer : answers) EXPECT_EQ(*answer.Get(), 3u);
}

TEST(Broadcast, CallsEveryProxy) {
  Kitchens kitchens(3);
  EXPECT_EQ(Broadcast(kitchens.proxies(), &kitchen::CookProxy::Async::Stop), absl::OkStatus());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(kitchens[i].stopped(), 1) << i;
}

TEST(Broadcast, ReachesTheOthersWhenOneIsGone) {
  Kitchens kitchens(3);
  kitchens.Close(0);
  absl::Status status = Broadcast(kitchens.proxies(), &kitchen::CookProxy::Async::Stop);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("1 of 3 failed: [0] UNAVAILABLE: "));
  EXPECT_EQ(kitchens[1].stopped(), 1);
  EXPECT_EQ(kitchens[2].stopped(), 1);
}

TEST(Broadcast, TellsAnErrorApartFromProxiesThatAreGone) {
  Kitchens kitchens(2);
  kitchens.Close(0);
  absl::Status status = Broadcast(kitchens.proxies(), &kitchen::CookProxy::Async::Fail,
                                  static_cast<uint16_t>(absl::StatusCode::kDataLoss), "burnt");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr("2 of 2 failed: [0] UNAVAILABLE: "));
  EXPECT_THAT(status.message(), HasSubstr("; [1] DATA_LOSS: burnt"));
}

TEST(Broadcast, ToNobodyIsOk) {
  EXPECT_EQ(Broadcast(std::vector<kitchen::CookProxy>(), &kitchen::CookProxy::Async::Stop),
            absl::OkStatus());
}

TEST(Broadcast, NamesTheFirstFewFailuresOnly) {
  std::vector<kitchen::CookProxy> nobody(8);
  absl::Status status = Broadcast(nobody, &kitchen::CookProxy::Async::Stop);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("8 of 8 failed"));
  EXPECT_THAT(status.message(), HasSubstr("[4]"));
  EXPECT_THAT(status.message(), HasSubstr("; and 3 more"));
}

}  // namespace
}  // namespace drover
