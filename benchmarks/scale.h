// How the cost of a call, and of what is idle, grows with the number of connections, objects and
// workers; and what an accept storm does to calls. A section of the report, in Markdown.
#ifndef DROVER_BENCHMARKS_SCALE_H_
#define DROVER_BENCHMARKS_SCALE_H_

#include <string>

#include "absl/status/statusor.h"

namespace drover::bench {

// `seconds` for each figure. Unless `data` is empty, also writes there, for
// benchmarks/scale.gnuplot, a line for each number: how many, microseconds of a call at so many
// connections, and at so many objects. Blocks; for a process with one thread; raises its limit of
// descriptors. The first error of a call is returned.
absl::StatusOr<std::string> ScaleReport(double seconds, const std::string& data);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_SCALE_H_
