// Dependent calls over a link where a message takes 10 ms: what pipelining saves, in round trips.
#ifndef DROVER_BENCHMARKS_PIPELINING_H_
#define DROVER_BENCHMARKS_PIPELINING_H_

#include <string>

#include "absl/status/statusor.h"

namespace drover::bench {

// Measures, `seconds` for each figure in each of `rounds` interleaved rounds, and returns a section
// of the report. Where there can be no such link the section says why, as standard error does, and
// has no figures. Blocks; for a process with one thread. The first error of a call is returned.
absl::StatusOr<std::string> PipeliningReport(int rounds, double seconds);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_PIPELINING_H_
