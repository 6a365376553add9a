// What calls that are quick meet while others sleep: an open loop, in which calls leave at times
// that were set beforehand, whether or not earlier ones are back, and a latency counts from the
// time that was set (no coordinated omission: Tene, "How NOT to Measure Latency").
#ifndef DROVER_BENCHMARKS_OPEN_LOOP_H_
#define DROVER_BENCHMARKS_OPEN_LOOP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace drover::bench {

struct OpenLoop {
  // By what the p99 of the quick calls grew, in each pair: of the kind of slow calls that did
  // worst.
  std::vector<double> ratios;
  std::string section;  // of the report, in Markdown
};

// `pairs` of runs, without and with slow calls in turn, of `seconds` each, for each kind of slow
// calls. Blocks; for a process with one thread. The first error of a call is returned.
absl::StatusOr<OpenLoop> MeasureOpenLoop(int pairs, double seconds);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_OPEN_LOOP_H_
