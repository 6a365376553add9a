// The command line of bench.
#ifndef DROVER_BENCHMARKS_COMMON_ARGUMENTS_H_
#define DROVER_BENCHMARKS_COMMON_ARGUMENTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/measurement.h"

namespace drover::bench {

inline constexpr char kUsage[] =
    R"(usage: bench [OPTION]...    (--name value and --name=value are the same)
Without --work: measures every contender in one run and prints the report, in Markdown, which
ends with what needs a link with a delay (unless --only).
With --work: measures that alone and prints a line for each contender; to be run under a profiler.

  --rounds N    interleaved rounds; default 7, with --work 1
  --seconds S   for each figure of a round; default 0.5
  --only NAME   this contender alone, such as drover or "cap'n proto"; may be repeated
  --work NAME   null, in-flight, threads, shared, echo-64k, echo-1m, one-way, connect or idle; may
                be repeated
  --pipelining  only what needs a link with a delay, and its section of the report
  --scale [FILE]   alone: what calls and idle connections, objects and workers cost when there are
                many; also writes the figures to FILE, for benchmarks/plots/scale.gp
  --pinned      server and client on one CPU only
  --two-cpus    server and client on two CPUs only
  --peers DIR   the programs in it are contenders too
  --left-out TEXT   a contender that is missing, and why: a line of the report; may be repeated
  --worker FILE     a stripped program of Drover's whose size a target bounds
  --out FILE    also writes the report there
  --data FILE   also writes every figure there, in lines of fields between tabs, for plots
)";

struct Arguments {
  MeasurementOptions measurement;
  std::vector<std::string> only;  // in lower case; empty for all
  bool brief = false;             // with --work
  bool pipelining = false;
  std::string peers;  // empty for none, as all below
  std::string worker;
  std::string out;
  std::string data;
};

// InvalidArgument names what cannot be used.
absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& words);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_ARGUMENTS_H_
