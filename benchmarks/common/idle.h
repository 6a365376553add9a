// What connections cost the server that are open and do nothing.
#ifndef DROVER_BENCHMARKS_COMMON_IDLE_H_
#define DROVER_BENCHMARKS_COMMON_IDLE_H_

#include <string>
#include <vector>

#include "common/contender.h"
#include "common/process.h"

namespace drover::bench {

inline constexpr int kIdleConnections = 1000;

// Has a client process open kIdleConnections on `cpus` and counts by how much the memory of the
// server's own has grown (written pages that nobody shares, and its part of shared memory; neither
// the kernel's nor program text), then how often its threads were switched to and fro for four
// times `seconds`. One connection opened before pays for what the first one brings. Blocks.
absl::StatusOr<Sample> MeasureIdle(Contender& contender, const ServerProcess& server,
                                   const std::string& socket, const std::vector<int>& cpus,
                                   double seconds);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_IDLE_H_
