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
#include <set>
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
  // What does not take part at all, and why: a line each. left_out() begins with it.
  std::vector<std::string> left_out;
};

// The rounds of one contender doing one work in one placement.
struct Summary {
  double p50_us = 0;         // median of the rounds' medians
  double p99_us = 0;         // median of the rounds' 99th percentiles
  double worst_us = 0;       // the worst of all rounds
  double kcalls = 0;         // thousand calls a second; median of the rounds
  double lowest_kcalls = 0;  // and of the worst round
  double highest_p50_us = 0;
  double idle_kib = 0;       // for each idle connection, median of the rounds
  double idle_switches = 0;  // in idle_seconds; the most of all rounds
  double idle_seconds = 0;
  std::vector<double> rounds_p50_us;  // of each round, in their order
  std::vector<double> rounds_kcalls;
  std::vector<double> rounds_idle_kib;
  std::vector<double> rounds_idle_switches;
};

class Measurement {
 public:
  Measurement(std::vector<std::unique_ptr<Contender>> contenders, MeasurementOptions options);

  // Blocks for contenders x works x placements x rounds x seconds; kIdle is measured in the first
  // round and placement only, since memory does not vary with either. Writes its progress to
  // standard error. Sockets are in a folder of its own, gone afterwards. A peer that fails does
  // this work no more, and what it had found is dropped; left_out() then names it. Any other error
  // ends the run.
  absl::Status Run();

  const std::vector<std::unique_ptr<Contender>>& contenders() const { return contenders_; }
  std::vector<std::string> names() const;
  const MeasurementOptions& options() const { return options_; }
  const std::vector<int>& cpus(Placement placement) const;
  // The machine's load average over a minute when Run began.
  double load_before() const { return load_before_; }

  // What was to be measured and was not, and why: a line each, in the order it happened.
  const std::vector<std::string>& left_out() const { return left_out_; }

  // Nothing if the contender does not do this work.
  std::optional<Summary> Summarize(const std::string& name, Placement placement, Work work) const;

 private:
  absl::Status RunRound(int round, const std::string& folder);
  absl::StatusOr<Sample> MeasureOnce(Contender& contender, Placement placement, Work work,
                                     const std::string& socket);

  const std::vector<std::unique_ptr<Contender>> contenders_;
  const MeasurementOptions options_;
  std::vector<int> two_cpus_, one_cpu_;
  int sockets_ = 0;
  double load_before_ = 0;
  std::map<std::tuple<std::string, Placement, Work>, std::vector<Sample>> samples_;
  std::set<std::tuple<std::string, Placement, Work>> failed_;
  std::vector<std::string> left_out_;
};

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_MEASUREMENT_H_
