// Random operations on four vats, against a reference model: each call gets the one end that it may
// have and runs on the object it was made on, calls on one reference run in order, and at the end
// of each round every table is empty and every object gone. In every other round connections are
// cut.
//
// DROVER_MODEL_STEPS: how many operations, in rounds of 1,000 (default 20,000). DROVER_MODEL_SEED:
// of the first round, the others count up (default 1).
#include <algorithm>
#include <iostream>
#include <string>

#include "drover/base/log.h"
#include "gtest/gtest.h"
#include "model/round.h"
#include "model/settings.h"

namespace drover::model {
namespace {

constexpr uint64_t kStepsInRound = 1000;

TEST(RandomOperations, EndAsTheModelSays) {
  SetMinLogSeverity(LogSeverity::kError);  // connections are cut all the time
  const uint64_t steps = Setting("DROVER_MODEL_STEPS", 20'000);
  const uint64_t seed = Setting("DROVER_MODEL_SEED", 1);
  std::cout << "DROVER_MODEL_STEPS=" << steps << " DROVER_MODEL_SEED=" << seed << std::endl;
  size_t answered = 0, rounds = 0;
  for (uint64_t done = 0; done < steps; done += kStepsInRound, ++rounds) {
    SCOPED_TRACE("the round with DROVER_MODEL_SEED=" + std::to_string(seed + rounds));
    Round round(seed + rounds, {.vats = 4, .cuts = (seed + rounds) % 2 == 0});
    for (uint64_t i = 0; i < std::min(kStepsInRound, steps - done); ++i) round.Step();
    round.End();
    answered += round.answered();
    if (testing::Test::HasFailure()) break;
  }
  std::cout << steps << " steps in " << rounds << " rounds, " << answered << " calls answered"
            << std::endl;
  EXPECT_GT(answered, 0u);
}

}  // namespace
}  // namespace drover::model
