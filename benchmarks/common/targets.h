// What Drover has to reach, and whether a run reached it.
#ifndef DROVER_BENCHMARKS_COMMON_TARGETS_H_
#define DROVER_BENCHMARKS_COMMON_TARGETS_H_

#include <string>

#include "common/measurement.h"

namespace drover::bench {

// A table with a row for each target: the figure of the whole run, that of the worst round, and
// whether the figure of the whole run meets it. A ratio compares figures of the same round. Rows
// whose contenders did not run are left out; empty if all are.
std::string TargetsTable(const Measurement& measurement);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_TARGETS_H_
