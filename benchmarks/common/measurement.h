// Runs every contender's work in interleaved rounds and keeps what came out.
//
// What disturbs the machine for a while disturbs all contenders of that round alike, so ratios of
// one run hold where absolute figures do not.
#ifndef DROVER_BENCHMARKS_COMMON_MEASUREMENT_H_
#define DROVER_BENCHMARKS_COMMON_MEASUREMENT_H_

#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "common/contender.h"

namespace drover::bench {

struct MeasurementOptions {
  int rounds = 7;        // at least 1
  double seconds = 0.5;  // for each measurement, without warming up
  // Which work to measure, where. Default: all of it, in both placements.
  std::vector<Work> work{std::begin(kAllWork), std::end(kAllWork)};
  std::vector<Placement> placements{Placement::kTwoCpus, Placement::kOneCpu};
};

// The rounds of one contender doing one work in one placement.
struct Summary {
  double p50_us = 0;         // median of the rounds' medians
  double p99_us = 0;         // median of the rounds' 99th percentiles
  double worst_us = 0;       // the worst of all rounds
  double kcalls = 0;         // thousand calls a second; median of the rounds
  double lowest_kcalls = 0;  // and of the worst round
  double highest_p50_us = 0;
  std::vector<double> rounds_p50_us;  // of each round, in their order
  std::vector<double> rounds_kcalls;
};

class Measurement {
 public:
  Measurement(std::vector<std::unique_ptr<Contender>> contenders, MeasurementOptions options);

  // Blocks for contenders x works x placements x rounds x seconds. Writes its progress to standard
  // error. Sockets are in a folder of its own, gone afterwards. The first error ends it.
  absl::Status Run();

  std::vector<std::string> names() const;
  const MeasurementOptions& options() const { return options_; }
  const std::vector<int>& cpus(Placement placement) const;
  // The machine's load average over a minute when Run began.
  double load_before() const { return load_before_; }

  // Nothing if the contender does not do this work.
  std::optional<Summary> Summarize(const std::string& name, Placement placement, Work work) const;

 private:
  absl::Status RunRound(const std::string& folder);

  const std::vector<std::unique_ptr<Contender>> contenders_;
  const MeasurementOptions options_;
  std::vector<int> two_cpus_, one_cpu_;
  int sockets_ = 0;
  double load_before_ = 0;
  std::map<std::tuple<std::string, Placement, Work>, std::vector<Sample>> samples_;
};

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_MEASUREMENT_H_
