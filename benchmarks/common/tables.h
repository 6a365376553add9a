// The figures of a measurement as tables, and as data.
#ifndef DROVER_BENCHMARKS_COMMON_TABLES_H_
#define DROVER_BENCHMARKS_COMMON_TABLES_H_

#include <string>

#include "common/measurement.h"

namespace drover::bench {

// With two or three digits that count.
std::string Number(double value);

// Tables of what a contender needs for each work, of the 99th percentiles and of the worst.
std::string FigureTables(const Measurement& measurement, Placement placement);

// How many times as fast as each other contender one is; empty if it did not run.
std::string LeadTable(const Measurement& measurement, Placement placement, const std::string& name);

// A line for each contender, work and placement, with a line of names before: placement, work, kind
// (bare, peer, drover), contender, p50_us, p99_us, kcalls, idle_kib; tabs between.
std::string FiguresAsData(const Measurement& measurement);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_TABLES_H_
