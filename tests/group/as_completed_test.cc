#include "drover/group/as_completed.h"

#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "held_cook.h"

namespace drover {
namespace {

using ::testing::ElementsAre;

struct Promises {
  explicit Promises(int count) : promises(count) {
    for (auto& promise : promises) futures.push_back(promise.future());
  }
  std::vector<Promise<int>> promises;
  std::vector<Future<int>> futures;
};

TEST(AsCompleted, GivesResultsInTheOrderOfCompletion) {
  Promises p(4);
  p.promises[2].Set(20);
  AsCompleted range(std::move(p.futures));
  p.promises[3].Set(30);
  p.promises[0].Set(absl::NotFoundError("zero"));
  p.promises[1].Set(10);
  std::vector<size_t> order;
  for (const auto& [i, result] : range) {
    order.push_back(i);
    if (i == 0) {
      EXPECT_EQ(result.status(), absl::NotFoundError("zero"));
    } else {
      EXPECT_EQ(*result, static_cast<int>(10 * i));
    }
  }
  EXPECT_THAT(order, ElementsAre(2, 3, 0, 1));
}

TEST(AsCompleted, KeepsTheOrderOfCallsAnsweredOneAfterTheOther) {
  constexpr int kWorkers = 5;
  Kitchens kitchens(kWorkers);
  AsCompleted answers(Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u));
  std::vector<HeldCook::Call> calls;
  for (int i = 0; i < kWorkers; ++i) calls.push_back(kitchens[i].Take());
  for (size_t next : {3, 1, 4, 0, 2}) {
    calls[next].answer.Set(static_cast<uint32_t>(next));
    std::optional<Completion<uint32_t>> completion = answers.Next();
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->index, next);
    EXPECT_EQ(*completion->result, next);
  }
  EXPECT_FALSE(answers.Next());
}

TEST(AsCompleted, WaitsForResultsOfOtherThreads) {
  Promises p(3);
  AsCompleted range(std::move(p.futures));
  std::thread completer([&] {
    for (int i : {1, 2, 0}) p.promises[i].Set(i);
  });
  std::vector<size_t> order;
  for (const auto& [i, result] : range) order.push_back(i);
  completer.join();
  EXPECT_THAT(order, ElementsAre(1, 2, 0));
}

TEST(AsCompleted, IsEmptyForNoFutures) {
  for ([[maybe_unused]] const auto& completion : AsCompleted(std::vector<Future<int>>())) {
    FAIL() << "there is nothing to give";
  }
}

TEST(AsCompleted, GivesFailedPreconditionForAFutureWithoutWork) {
  std::vector<Future<void>> futures(1);
  int seen = 0;
  for (const auto& [i, status] : AsCompleted(std::move(futures))) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    ++seen;
  }
  EXPECT_EQ(seen, 1);
}

TEST(AsCompleted, CancelsTheRestWhenTheLoopIsLeft) {
  Kitchens kitchens(3);
  auto answers = Map(kitchens.proxies(), &kitchen::CookProxy::Async::Add, 1u, 2u);
  std::vector<HeldCook::Call> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(kitchens[i].Take());
  calls[1].answer.Set(3);
  for (const auto& [i, sum] : AsCompleted(std::move(answers))) {
    EXPECT_EQ(i, 1u);
    break;
  }
  kitchens[0].AwaitCancelled(1);
  kitchens[2].AwaitCancelled(1);
}

// Waits for calls of its own, as a servant.
class Head : public kitchen::CookServant {
 public:
  explicit Head(std::vector<kitchen::CookProxy> cooks) : cooks_(std::move(cooks)) {}

  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override {
    uint32_t sum = 0;
    std::vector<absl::Status> errors;
    for (const auto& [i, result] :
         AsCompleted(Map(cooks_, &kitchen::CookProxy::Async::Add, a, b))) {
      if (result.ok()) {
        sum += *result;
      } else {
        errors.push_back(result.status());
      }
    }
    if (errors.empty()) return sum;
    errors_.Set(errors);
    return errors[0];
  }
  Future<std::vector<absl::Status>> errors() { return errors_.future(); }

 private:
  const std::vector<kitchen::CookProxy> cooks_;
  Promise<std::vector<absl::Status>> errors_;
};

TEST(AsCompleted, WaitsInAServant) {
  Kitchens kitchens(2);
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Head>(kitchens.proxies()));
  ASSERT_TRUE(server.ok()) << server.status();
  auto head = Connect<kitchen::CookProxy>(server->endpoint());
  Future<uint32_t> sum = head.async().Add(1, 2);
  kitchens[1].Take().answer.Set(30);
  kitchens[0].Take().answer.Set(4);
  EXPECT_EQ(*sum.Get(), 34u);
}

TEST(AsCompleted, CancelsItsFuturesWhenTheServantsCallIsCancelled) {
  Kitchens kitchens(2);
  auto servant = std::make_shared<Head>(kitchens.proxies());
  Future<std::vector<absl::Status>> errors = servant->errors();
  auto server = Serve("tcp://127.0.0.1:0", servant);
  ASSERT_TRUE(server.ok()) << server.status();
  auto head = Connect<kitchen::CookProxy>(server->endpoint());
  {
    Future<uint32_t> sum = head.async().Add(1, 2);
    HeldCook::Call first = kitchens[0].Take();
    HeldCook::Call second = kitchens[1].Take();
    sum.Cancel();
    kitchens[0].AwaitCancelled(1);
    kitchens[1].AwaitCancelled(1);
  }
  auto seen = errors.Get();
  ASSERT_TRUE(seen.ok()) << seen.status();
  ASSERT_EQ(seen->size(), 2u);
  for (const absl::Status& status : *seen) EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace drover
