// A measurement as text.
#ifndef DROVER_BENCHMARKS_COMMON_REPORT_H_
#define DROVER_BENCHMARKS_COMMON_REPORT_H_

#include <string>

#include "common/measurement.h"

namespace drover::bench {

// Conditions, the targets, a table of figures for each placement, and one of ratios to each of
// `baselines`, names of contenders.
std::string Report(const Measurement& measurement, const std::vector<std::string>& baselines);

// A line for each contender, work and placement.
std::string BriefReport(const Measurement& measurement);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_REPORT_H_
