// Garages and their engines, for tests of objects inside results that are not there yet.
#ifndef DROVER_TESTS_OBJECT_GARAGES_H_
#define DROVER_TESTS_OBJECT_GARAGES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/base/status_macros.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "garage.drover.h"
#include "gtest/gtest.h"
#include "support/gate.h"

namespace drover {

using garage::EngineProxy;
using garage::GarageProxy;
using testing_support::Gate;

class Engine : public garage::EngineServant, public std::enable_shared_from_this<Engine> {
 public:
  absl::StatusOr<uint32_t> Start(uint32_t key) override {
    keys_.push_back(key);
    return key;
  }
  absl::StatusOr<std::vector<uint32_t>> Starts() override { return keys_; }
  absl::StatusOr<EngineProxy> Twin() override { return EngineProxy(shared_from_this()); }

 private:
  std::vector<uint32_t> keys_;
};

// Every answer waits at the gate first.
class Garage : public garage::GarageServant {
 public:
  explicit Garage(Gate gate) : gate_(std::move(gate)) {}

  absl::StatusOr<EngineProxy> Engine() override {
    DROVER_RETURN_IF_ERROR(gate_.Pass());
    return EngineProxy(engine_);
  }
  absl::StatusOr<EngineProxy> None() override { return EngineProxy(); }
  absl::StatusOr<garage::Car> Car() override {
    DROVER_RETURN_IF_ERROR(gate_.Pass());
    garage::Car car;
    car.label = "car";
    car.engine = EngineProxy(engine_);
    car.trailer.engine = NewEngine(1);
    car.towed->engine = NewEngine(2);
    car.towed->trailer.engine = NewEngine(3);
    car.owner.engine = NewEngine(4);
    car.owner.boat.engine = NewEngine(5);
    return car;
  }
  absl::StatusOr<garage::Car> Best() override { return Car(); }
  absl::StatusOr<garage::GarageFleetResults> Fleet() override {
    DROVER_ASSIGN_OR_RETURN(garage::Car first, Car());
    return garage::GarageFleetResults{.first = std::move(first), .engine = NewEngine(6)};
  }
  absl::StatusOr<GarageProxy> Other() override {
    DROVER_RETURN_IF_ERROR(gate_.Pass());
    return GarageProxy(std::make_shared<Garage>(gate_));
  }
  absl::StatusOr<uint32_t> Fit(EngineProxy engine, uint32_t key) override {
    return engine.Start(key);
  }

 private:
  // One that has been started with `key`.
  static EngineProxy NewEngine(uint32_t key) {
    auto engine = std::make_shared<::drover::Engine>();
    engine->Start(key).IgnoreError();
    return EngineProxy(std::move(engine));
  }

  Gate gate_;
  const std::shared_ptr<::drover::Engine> engine_ = std::make_shared<::drover::Engine>();
};

// A garage of this process, or behind a connection.
class Pipelines : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { garage_ = Reach(std::make_shared<Garage>(gate_)); }

  template <class S>
  GarageProxy Reach(std::shared_ptr<S> servant) {
    if (GetParam() == "local") return GarageProxy(std::move(servant));
    const std::string inproc = "inproc://garage" + std::to_string(servers_.size());
    auto server = Serve(GetParam() == "tcp" ? "tcp://127.0.0.1:0" : inproc, servant);
    EXPECT_TRUE(server.ok()) << server.status();
    servers_.push_back(std::move(*server));
    return Connect<GarageProxy>(servers_.back().endpoint());
  }

  Gate gate_;
  std::vector<Server> servers_;
  GarageProxy garage_;
};

// Gives engines of another garage before it has them.
class Dealer final : public garage::GarageServant {
 public:
  explicit Dealer(GarageProxy from) : from_(std::move(from)) {}
  absl::StatusOr<EngineProxy> Engine() override { return from_.async().Engine().Pipeline(); }

 private:
  const GarageProxy from_;
};

}  // namespace drover

#endif  // DROVER_TESTS_OBJECT_GARAGES_H_
