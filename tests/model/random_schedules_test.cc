// Calls, cancellations, Returns and promises in random schedules: between two vats every frame
// stands still on the wire until a step of the schedule lets it pass, so a cancellation meets the
// Return of its call at every point on its way, in both orders, while the runtime's threads work on
// what has passed. What must hold is what the reference model says; see round.h.
//
// DROVER_MODEL_SCHEDULES: how many (default 2,000). DROVER_MODEL_SEED: of the first one, the others
// count up (default 1).
#include <iostream>
#include <string>

#include "drover/base/log.h"
#include "gtest/gtest.h"
#include "model/round.h"
#include "model/settings.h"

namespace drover::model {
namespace {

void RunSchedules(void (Round::*end)()) {
  const uint64_t schedules = Setting("DROVER_MODEL_SCHEDULES", 2'000);
  const uint64_t seed = Setting("DROVER_MODEL_SEED", 1);
  std::cout << "DROVER_MODEL_SCHEDULES=" << schedules << " DROVER_MODEL_SEED=" << seed << std::endl;
  size_t answered = 0, done = 0;
  for (; done < schedules && !testing::Test::HasFailure(); ++done) {
    SCOPED_TRACE("the schedule with DROVER_MODEL_SEED=" + std::to_string(seed + done));
    Round round(seed + done, {.vats = 2, .frozen = true});
    for (uint64_t i = 0; i < 10 + (seed + done) % 40; ++i) round.Step();
    (round.*end)();
    answered += round.answered();
  }
  std::cout << done << " schedules, " << answered << " calls answered" << std::endl;
  EXPECT_GT(answered, 0u);
}

TEST(RandomSchedules, EndAsTheModelSays) { RunSchedules(&Round::End); }

// Whatever waits for what, or holds it: all is cancelled, and nobody waits for anything.
TEST(RandomSchedules, EndWhenNobodyWantsThem) { RunSchedules(&Round::EndUnwanted); }

}  // namespace
}  // namespace drover::model
