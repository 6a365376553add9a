// A worker of the race: takes a random time, 1 to 7 seconds unless told otherwise.
#ifndef EXAMPLES_RACE_RACER_H_
#define EXAMPLES_RACE_RACER_H_

#include <cstdint>
#include <random>

#include "drover/drover.h"
#include "race.drover.h"

class Racer final : public race::WorkerServant {
 public:
  explicit Racer(uint32_t seed, uint32_t max_seconds = 7) : gen_(seed), seconds_(1, max_seconds) {}

  absl::StatusOr<uint32_t> Calculate() override {
    const uint32_t seconds = seconds_(gen_);
    DROVER_RETURN_IF_ERROR(drover::SleepFor(absl::Seconds(seconds)));  // ends early if cancelled
    return seconds;
  }

  absl::Status Stop() override { return drover::StopServing(); }

 private:
  std::mt19937 gen_;
  std::uniform_int_distribution<uint32_t> seconds_;
};

#endif  // EXAMPLES_RACE_RACER_H_
