// How the cost of a call, and of what is idle, grows with the number of connections, objects and
// workers; and what an accept storm does to calls. A section of the report, in Markdown.
#ifndef DROVER_BENCHMARKS_SCALE_H_
#define DROVER_BENCHMARKS_SCALE_H_

#include <string>

#include "absl/status/statusor.h"

namespace drover::bench {

// `seconds` for each of five rounds of each figure: with 0.1 it takes half a minute. Unless `data`
// is empty, also writes the figures there, for benchmarks/plots/scale.gp. Blocks; for a process
// with one thread; raises its limit of descriptors. The first error of a call is returned;
// ResourceExhausted if there are too few descriptors.
absl::StatusOr<std::string> ScaleReport(double seconds, const std::string& data);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_SCALE_H_
