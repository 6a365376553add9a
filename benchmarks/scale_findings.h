// What the measurement of scale.h found, and how it is told.
#ifndef DROVER_BENCHMARKS_SCALE_FINDINGS_H_
#define DROVER_BENCHMARKS_SCALE_FINDINGS_H_

#include <sys/types.h>

#include <cstdint>
#include <iterator>
#include <string>

#include "common/sample.h"

namespace drover::bench {

// Of connections and of objects; of workers.
inline constexpr int kScaleNumbers[] = {1, 10, 100, 1'000, 10'000};
inline constexpr int kScaleWorkers[] = {1, 10, 100, 1'000};
inline constexpr size_t kScaleCount = std::size(kScaleNumbers);
inline constexpr size_t kScaleWorkerCount = std::size(kScaleWorkers);
inline constexpr int kScaleIdle = 1'000;  // connections, while context switches are counted
inline constexpr int kScaleIdleSeconds = 2;

// The p50 of a blocking null call in the best of some rounds, in microseconds, and of one that was
// made in turns with it where there is one of everything: what the machine gave in these seconds.
struct ScaledCall {
  double us = 0;
  double alone_us = 0;
};

// Plain data: it is shared between processes.
struct ScaleFindings {
  pid_t server = 0;
  ScaledCall connections[kScaleCount];  // beside idle connections
  ScaledCall object[kScaleCount];       // of one object among many
  ScaledCall objects[kScaleCount];      // of all objects in turn
  ScaledCall workers[kScaleWorkerCount];
  double connection_kib = 0, client_connection_kib = 0, object_kib = 0;
  int64_t server_switches = 0, client_switches = 0;
  double fleet_seconds[kScaleWorkerCount] = {};
  double worker_mib[kScaleWorkerCount] = {};
  double replaced_ms[kScaleWorkerCount] = {};
  // A caller's calls: nobody connects; another process connects, calls and goes, again and again,
  // at the same server; it does so at another server.
  Sample calm, storm, elsewhere;
  Sample connects;  // that process alone
};

// A section of the report, in Markdown.
std::string ScaleSection(const ScaleFindings& found);
// Lines of fields between tabs, for benchmarks/plots/scale.gp: "what, number, us, us alone" of
// calls, "fleet, workers, seconds, 0" and "storm, name, p50, p99".
std::string ScaleData(const ScaleFindings& found);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_SCALE_FINDINGS_H_
