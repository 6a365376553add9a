// Objects inside results that are not there yet, passed on to others: how long the call that makes
// them goes on.
#include <cstdint>
#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "object/garages.h"

namespace drover {
namespace {

// Keeps the engine that it was given last.
class Lot : public garage::GarageServant {
 public:
  absl::StatusOr<uint32_t> Fit(EngineProxy engine, uint32_t key) override {
    kept_ = std::move(engine);
    return key;
  }
  absl::StatusOr<EngineProxy> Engine() override { return kept_; }

 protected:
  EngineProxy kept_;
};

// Has a lot beside it.
class Town final : public Garage {
 public:
  using Garage::Garage;
  absl::StatusOr<GarageProxy> Other() override { return GarageProxy(std::make_shared<Lot>()); }
};

// Gives the twin of what it keeps, before it has it.
class TwinLot final : public Lot {
 public:
  absl::StatusOr<EngineProxy> Engine() override { return kept_.async().Twin().Pipeline(); }
};

// Its twin waits at the gate.
class GatedEngine final : public Engine {
 public:
  explicit GatedEngine(Gate gate) : gate_(std::move(gate)) {}
  absl::StatusOr<EngineProxy> Twin() override {
    DROVER_RETURN_IF_ERROR(gate_.Pass());
    return EngineProxy(std::make_shared<Engine>());
  }

 private:
  Gate gate_;
};

// A promised object that nobody has but those to whom it was passed: the call that makes it goes on
// as long as they have it.
class PassedOn : public Pipelines {
 protected:
  // Has `lot` keep an engine that `from` is asked for; nothing of it stays here.
  void FitFrom(const GarageProxy& from, const GarageProxy& lot) {
    EXPECT_EQ(lot.Fit(from.async().Engine().Pipeline(), 7).value(), 7u);
    gate_.AwaitArrivals(1);
    Settle(lot);
  }
  // Whatever was sent before has been handled.
  static void Settle(const GarageProxy& object) {
    EXPECT_EQ(object.Best().status().code(), absl::StatusCode::kUnimplemented);
  }
  void ExpectKept(const GarageProxy& lot) {
    gate_.Open();
    EXPECT_EQ(lot.Engine().value().Start(4).value(), 4u);
  }
  void ExpectCancelledWithTheLast(const GarageProxy& lot) {
    EXPECT_EQ(lot.Fit(EngineProxy(), 8).value(), 8u);
    gate_.AwaitCancellations(1);
  }
  GarageProxy MakeTown() { return Reach(std::make_shared<Town>(gate_)); }
};

INSTANTIATE_TEST_SUITE_P(Over, PassedOn, testing::Values("local", "inproc", "tcp"),
                         [](const auto& info) { return info.param; });

TEST_P(PassedOn, InParamsOverTheSameConnectionKeepsTheCallGoing) {
  const GarageProxy town = MakeTown();
  const GarageProxy lot = town.Other().value();
  FitFrom(town, lot);
  ExpectKept(lot);
}

TEST_P(PassedOn, InParamsOverTheSameConnectionCancelsTheCallWithTheLast) {
  const GarageProxy town = MakeTown();
  const GarageProxy lot = town.Other().value();
  FitFrom(town, lot);
  ExpectCancelledWithTheLast(lot);
}

TEST_P(PassedOn, InParamsOverAnotherConnectionKeepsTheCallGoing) {
  const GarageProxy lot = Reach(std::make_shared<Lot>());
  FitFrom(garage_, lot);
  ExpectKept(lot);
}

TEST_P(PassedOn, InParamsOverAnotherConnectionCancelsTheCallWithTheLast) {
  const GarageProxy lot = Reach(std::make_shared<Lot>());
  FitFrom(garage_, lot);
  ExpectCancelledWithTheLast(lot);
}

TEST_P(PassedOn, AsAResultKeepsTheCallGoing) {
  const GarageProxy dealer = Reach(std::make_shared<Dealer>(garage_));
  const EngineProxy engine = dealer.Engine().value();
  gate_.AwaitArrivals(1);
  Settle(dealer);
  gate_.Open();
  EXPECT_EQ(engine.Start(4).value(), 4u);
}

TEST_P(PassedOn, AsAResultCancelsTheCallWithTheLast) {
  const GarageProxy dealer = Reach(std::make_shared<Dealer>(garage_));
  {
    const EngineProxy engine = dealer.Engine().value();
    gate_.AwaitArrivals(1);
  }
  gate_.AwaitCancellations(1);
}

TEST_P(PassedOn, AsAResultToWhoMakesItKeepsTheCallGoing) {
  const GarageProxy lot = Reach(std::make_shared<TwinLot>());
  EXPECT_TRUE(lot.Fit(EngineProxy(std::make_shared<GatedEngine>(gate_)), 1).ok());
  const EngineProxy twin = lot.Engine().value();
  gate_.AwaitArrivals(1);
  Settle(lot);
  gate_.Open();
  EXPECT_EQ(twin.Start(4).value(), 4u);
}

TEST_P(PassedOn, AsAResultToWhoMakesItCancelsTheCallWithTheLast) {
  const GarageProxy lot = Reach(std::make_shared<TwinLot>());
  EXPECT_TRUE(lot.Fit(EngineProxy(std::make_shared<GatedEngine>(gate_)), 1).ok());
  {
    const EngineProxy twin = lot.Engine().value();
    gate_.AwaitArrivals(1);
  }
  gate_.AwaitCancellations(1);
}

}  // namespace
}  // namespace drover
