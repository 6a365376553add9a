// Calls on objects inside results that are not there yet.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "object/garages.h"
#include "support/cuttable_listener.h"

namespace drover {
namespace {

using garage::Car;
using testing::ElementsAre;
using testing_support::ConnectionCutter;

INSTANTIATE_TEST_SUITE_P(Over, Pipelines, testing::Values("local", "inproc", "tcp"),
                         [](const auto& info) { return info.param; });

TEST_P(Pipelines, AreCalledBeforeTheAnswerIsThere) {
  Future<EngineProxy> engine = garage_.async().Engine();
  Future<uint32_t> key = engine.Pipeline().Start(7);
  EXPECT_FALSE(engine.ready());
  gate_.Open();
  EXPECT_EQ(key.Get().value(), 7u);
  EXPECT_EQ(engine.Get().value().Start(8).value(), 8u);
}

TEST_P(Pipelines, HavePipelines) {
  gate_.Open();
  auto key = garage_.async().Other().Pipeline().Other().Pipeline().Engine().Pipeline().Start(3);
  EXPECT_EQ(key.Get().value(), 3u);
}

TEST_P(Pipelines, KeepTheOrderOfCalls) {
  Future<EngineProxy> engine = garage_.async().Engine();
  EngineProxy::Async first = engine.Pipeline();
  EngineProxy::Async second = engine.Pipeline();
  std::vector<Future<uint32_t>> keys;
  keys.push_back(first.Start(1));
  keys.push_back(second.Start(2));
  keys.push_back(first.Start(3));
  gate_.Open();
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(keys[i].Get().value(), i + 1);
  EXPECT_THAT(first.Starts().Get().value(), ElementsAre(1, 2, 3));
}

TEST_P(Pipelines, ReachFieldsOfStructs) {
  auto car = garage_.async().Car().Pipeline();
  auto own = car.engine().Starts();
  auto trailer = car.trailer().engine().Starts();
  auto towed = car.towed().engine().Starts();
  auto towed_trailer = car.towed().trailer().engine().Starts();
  auto owner = car.owner().engine().Starts();
  auto boat = car.owner().boat().engine().Starts();
  gate_.Open();
  EXPECT_THAT(own.Get().value(), ElementsAre());
  EXPECT_THAT(trailer.Get().value(), ElementsAre(1));
  EXPECT_THAT(towed.Get().value(), ElementsAre(2));
  EXPECT_THAT(towed_trailer.Get().value(), ElementsAre(3));
  EXPECT_THAT(owner.Get().value(), ElementsAre(4));
  EXPECT_THAT(boat.Get().value(), ElementsAre(5));
}

TEST_P(Pipelines, ReachFieldsOfAWholeResultAndOfSeveral) {
  gate_.Open();
  EXPECT_THAT(garage_.async().Best().Pipeline().trailer().engine().Starts().Get().value(),
              ElementsAre(1));
  auto fleet = garage_.async().Fleet();
  EXPECT_THAT(fleet.Pipeline().first().towed().engine().Starts().Get().value(), ElementsAre(2));
  EXPECT_THAT(fleet.Pipeline().engine().Starts().Get().value(), ElementsAre(6));
}

TEST_P(Pipelines, OfAnAnswerThatIsThereAreCalledAtOnce) {
  gate_.Open();
  Future<EngineProxy> engine = garage_.async().Engine();
  Future<Car> car = garage_.async().Car();
  ASSERT_TRUE(engine.WaitUntil(absl::InfiniteFuture()));
  ASSERT_TRUE(car.WaitUntil(absl::InfiniteFuture()));
  EXPECT_EQ(engine.Pipeline().Start(1).Get().value(), 1u);
  EXPECT_THAT(car.Pipeline().trailer().engine().Starts().Get().value(), ElementsAre(1));
  EXPECT_EQ(engine.Get().value().Start(2).value(), 2u);
  EXPECT_EQ(car.Get().value().label, "car");
}

TEST_P(Pipelines, OutliveTheTakingOfTheValue) {
  gate_.Open();
  Future<Car> future = garage_.async().Car();
  auto car = future.Pipeline();
  EXPECT_EQ(future.Get().value().label, "car");
  EXPECT_THAT(car.towed().trailer().engine().Starts().Get().value(), ElementsAre(3));
}

TEST_P(Pipelines, GiveTheErrorOfTheCall) {
  // Without a servant's own method the answer is Unimplemented.
  GarageProxy plain = Reach(std::make_shared<garage::GarageServant>());
  EXPECT_EQ(plain.async().Engine().Pipeline().Start(1).Get().status().code(),
            absl::StatusCode::kUnimplemented);
  auto car = plain.async().Car();
  ASSERT_TRUE(car.WaitUntil(absl::InfiniteFuture()));
  EXPECT_EQ(car.Pipeline().owner().boat().engine().Start(1).Get().status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST_P(Pipelines, OfANullObjectAreInvalidArgument) {
  auto none = garage_.async().None();
  EXPECT_EQ(none.Pipeline().Start(1).Get().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(none.Get().value());
  gate_.Open();
  EXPECT_EQ(
      garage_.async().Car().Pipeline().towed().towed().engine().Start(1).Get().status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_P(Pipelines, KeepTheCallGoingWhenItsFutureIsDropped) {
  EngineProxy::Async engine = garage_.async().Engine().Pipeline();
  auto car = garage_.async().Other().Pipeline().Car().Pipeline();
  auto key = engine.Start(4);
  auto boat = car.owner().boat().engine().Starts();
  gate_.AwaitArrivals(1);
  gate_.Open();
  EXPECT_EQ(key.Get().value(), 4u);
  EXPECT_THAT(boat.Get().value(), ElementsAre(5));
}

TEST_P(Pipelines, CancelTheCallWithTheLastOfThem) {
  {
    std::optional<EngineProxy::Async> engine = garage_.async().Engine().Pipeline();
    EngineProxy::Async copy = *engine;
    engine.reset();
    gate_.AwaitArrivals(1);
  }
  gate_.AwaitCancellations(1);
}

TEST_P(Pipelines, CancelTheCallWithTheLastCallOnThem) {
  {
    auto key = garage_.async().Engine().Pipeline().Start(1);
    gate_.AwaitArrivals(1);
  }
  gate_.AwaitCancellations(1);
}

TEST_P(Pipelines, CancelTheCallWithTheLastCallThatTakesThemAlong) {
  {
    auto key = garage_.async().Fit(garage_.async().Engine().Pipeline(), 1);  // waits for its turn
    gate_.AwaitArrivals(1);
  }
  gate_.AwaitCancellations(1);
}

TEST_P(Pipelines, OfAStructCancelTheCallWithTheLastOfThem) {
  {
    auto car = garage_.async().Car().Pipeline();
    gate_.AwaitArrivals(1);
  }
  gate_.AwaitCancellations(1);
}

TEST_P(Pipelines, LeaveTheCallToItsFutureWhenTheyGo) {
  Future<EngineProxy> engine = garage_.async().Engine();
  { auto dropped = engine.Pipeline(); }
  gate_.AwaitArrivals(1);
  gate_.Open();
  EXPECT_EQ(engine.Get().value().Start(1).value(), 1u);
}

TEST_P(Pipelines, OfACancelledCallAreCancelled) {
  Future<EngineProxy> engine = garage_.async().Engine();
  auto before = engine.Pipeline().Start(1);
  gate_.AwaitArrivals(1);
  engine.Cancel();
  EXPECT_EQ(before.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(engine.Pipeline().Start(2).Get().status().code(), absl::StatusCode::kCancelled);
  gate_.AwaitCancellations(1);
}

TEST_P(Pipelines, AreArguments) {
  Future<EngineProxy> engine = garage_.async().Engine();
  auto key = garage_.async().Other().Pipeline().Fit(engine.Pipeline(), 6);
  gate_.Open();
  EXPECT_EQ(key.Get().value(), 6u);
  EXPECT_THAT(engine.Get().value().Starts().value(), ElementsAre(6));
}

class AsyncDealer final : public garage::GarageAsyncServant {
 public:
  explicit AsyncDealer(GarageProxy from) : from_(std::move(from)) {}
  Future<EngineProxy> Engine() override { return from_.async().Engine(); }

 private:
  const GarageProxy from_;
};

TEST_P(Pipelines, AreResults) {
  GarageProxy dealer = Reach(std::make_shared<Dealer>(std::make_shared<Garage>(gate_)));
  EngineProxy engine = dealer.Engine().value();
  auto key = engine.async().Start(1);
  gate_.AwaitArrivals(1);
  gate_.Open();
  EXPECT_EQ(key.Get().value(), 1u);
  EXPECT_EQ(engine.Twin().value().Start(2).value(), 2u);
}

TEST_P(Pipelines, OfAnAsyncServantsFutureAreCalledWhenItIsThere) {
  GarageProxy dealer = Reach(std::make_shared<AsyncDealer>(std::make_shared<Garage>(gate_)));
  auto key = dealer.async().Engine().Pipeline().Start(1);
  gate_.AwaitArrivals(1);
  gate_.Open();
  EXPECT_EQ(key.Get().value(), 1u);
}

TEST(PipelinesOfConnections, FailWithTheConnection) {
  Gate gate;
  ConnectionCutter cutter;
  auto server = Serve(cutter.Listen(Endpoint::Parse("tcp://127.0.0.1:0").value()),
                      std::make_shared<Garage>(gate));
  ASSERT_TRUE(server.ok()) << server.status();
  auto garage = Connect<GarageProxy>(server->endpoint());
  auto engine = garage.async().Engine();
  auto key = engine.Pipeline().Start(1);
  gate.AwaitArrivals(1);
  cutter.CutAll();
  EXPECT_EQ(engine.Get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(key.Get().status().code(), absl::StatusCode::kUnavailable);
}

// --- futures that are no calls ------------------------------------------------------------------

TEST(PipelinesOfOtherFutures, AreCalledWhenThePromiseIsKept) {
  Promise<EngineProxy> promise;
  Future<EngineProxy> future = promise.future();
  auto key = future.Pipeline().Start(5);
  EXPECT_FALSE(key.ready());
  promise.Set(EngineProxy(std::make_shared<Engine>()));
  EXPECT_EQ(key.Get().value(), 5u);
  EXPECT_THAT(future.Get().value().Starts().value(), ElementsAre(5));
}

TEST(PipelinesOfOtherFutures, LeaveRoomForAContinuation) {
  Promise<Car> promise;
  Future<Car> future = promise.future();
  auto key = future.Pipeline().trailer().engine().Start(5);
  Future<std::string> label =
      std::move(future).Then([](absl::StatusOr<Car> car) { return car.value().label; });
  Car car{.label = "blue"};
  car.trailer.engine = EngineProxy(std::make_shared<Engine>());
  promise.Set(std::move(car));
  EXPECT_EQ(key.Get().value(), 5u);
  EXPECT_EQ(label.Get().value(), "blue");
}

TEST(PipelinesOfOtherFutures, KeepTheWorkGoing) {
  Gate gate;
  GarageProxy garage(std::make_shared<Garage>(gate));
  EngineProxy::Async engine = garage.async()
                                  .Car()
                                  .Then([](absl::StatusOr<Car> car) { return car.value().engine; })
                                  .Pipeline();
  auto key = engine.Start(5);
  gate.AwaitArrivals(1);
  gate.Open();
  EXPECT_EQ(key.Get().value(), 5u);
}

TEST(PipelinesOfOtherFutures, CancelTheWorkWithTheLastOfThem) {
  Gate gate;
  GarageProxy garage(std::make_shared<Garage>(gate));
  {
    auto engine = [](GarageProxy garage) -> Future<EngineProxy> {
      absl::StatusOr<Car> car = co_await garage.async().Car();
      if (!car.ok()) co_return car.status();
      co_return car->engine;
    }(garage)
                                                .Pipeline();
    gate.AwaitArrivals(1);
  }
  gate.AwaitCancellations(1);
}

TEST(PipelinesOfOtherFutures, OfAResultAreCalledAtOnce) {
  Future<EngineProxy> future = absl::StatusOr<EngineProxy>(std::make_shared<Engine>());
  EXPECT_EQ(future.Pipeline().Start(5).Get().value(), 5u);
  Future<EngineProxy> error = absl::DataLossError("no engine");
  EXPECT_EQ(error.Pipeline().Start(5).Get().status(), absl::DataLossError("no engine"));
}

TEST(PipelinesOfOtherFutures, WithoutWorkAreFailedPrecondition) {
  Future<EngineProxy> future;
  EXPECT_EQ(future.Pipeline().Start(5).Get().status().code(),
            absl::StatusCode::kFailedPrecondition);
  Future<Car> car;
  EXPECT_EQ(car.Pipeline().towed().engine().Start(5).Get().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

template <class T>
concept HasPipeline = requires(const Future<T>& future) {
  future.Pipeline();
};
static_assert(HasPipeline<EngineProxy> && HasPipeline<Car> && HasPipeline<garage::Trailer>);
static_assert(!HasPipeline<uint32_t> && !HasPipeline<garage::Brochure> && !HasPipeline<void>);

}  // namespace
}  // namespace drover
