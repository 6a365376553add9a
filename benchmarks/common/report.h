// A measurement as text.
#ifndef DROVER_BENCHMARKS_COMMON_REPORT_H_
#define DROVER_BENCHMARKS_COMMON_REPORT_H_

#include <string>

#include "common/measurement.h"
#include "common/targets.h"

namespace drover::bench {

// Conditions, contenders and how each is tuned, what was left out, the targets, and for each
// placement tables of figures and of Drover's lead over each contender.
std::string Report(const Measurement& measurement, const OtherFigures& others);

// A line for each contender, work and placement.
std::string BriefReport(const Measurement& measurement);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_REPORT_H_
