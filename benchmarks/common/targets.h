// What Drover has to reach, and whether a run reached it.
#ifndef DROVER_BENCHMARKS_COMMON_TARGETS_H_
#define DROVER_BENCHMARKS_COMMON_TARGETS_H_

#include <string>
#include <vector>

#include "common/measurement.h"

namespace drover::bench {

// Figures of targets that are not part of the measurement; empty if they were not found.
struct OtherFigures {
  std::string worker;             // a program whose size is bounded
  std::vector<double> open_loop;  // OpenLoop::ratios
};

// A table with a row for each target: the figure of the whole run, that of the worst round, and
// whether the figure of the whole run meets it. A ratio compares figures of the same round; to the
// best of the peers it does so with whichever was best in that round. A row whose contenders did
// not run says so.
std::string TargetsTable(const Measurement& measurement, const OtherFigures& others);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_TARGETS_H_
