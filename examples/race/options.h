// The command line of the race.
#ifndef EXAMPLES_RACE_OPTIONS_H_
#define EXAMPLES_RACE_OPTIONS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "drover/drover.h"

struct RaceOptions {
  drover::ServeFleetOptions fleet = {.workers = 10};  // --workers, --endpoint unix|tcp
  uint32_t max_seconds = 7;                           // --max-seconds
  uint32_t seed = 0;                                  // --seed; default: another one every time
};

absl::StatusOr<RaceOptions> ParseRaceOptions(int argc, char** argv);

#endif  // EXAMPLES_RACE_OPTIONS_H_
