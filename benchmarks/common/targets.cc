#include "common/targets.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace drover::bench {
namespace {

using Rounds = std::vector<double> Summary::*;

constexpr char kStock[] = "Cap'n Proto";
constexpr char kRaw[] = "raw socket";
constexpr char kDrover[] = "Drover";
constexpr char kNoSpin[] = "Drover, DROVER_SPIN=0";

// A bound for numerator / denominator, or for the numerator alone.
struct Target {
  const char* what;
  Placement placement;
  Work work;
  Rounds figure;
  const char* numerator;
  const char* denominator;  // null if there is none
  bool at_least;
  double bound;
  const char* unit;
};

constexpr Target kTargets[] = {
    {"null call, two CPUs: times as fast as Cap'n Proto, over all calls", Placement::kTwoCpus,
     Work::kNullCall, &Summary::rounds_kcalls, kDrover, kStock, true, 8, "x"},
    {"null call, two CPUs: times as fast as Cap'n Proto, median call", Placement::kTwoCpus,
     Work::kNullCall, &Summary::rounds_p50_us, kStock, kDrover, true, 8, "x"},
    {"null call, one CPU, median call", Placement::kOneCpu, Work::kNullCall,
     &Summary::rounds_p50_us, kDrover, nullptr, false, 6, " us"},
    {"null call, one CPU, over all calls", Placement::kOneCpu, Work::kNullCall,
     &Summary::rounds_kcalls, kDrover, nullptr, true, 1000.0 / 6, " k calls/s"},
    {"null call, one CPU: of the time a raw socket takes", Placement::kOneCpu, Work::kNullCall,
     &Summary::rounds_p50_us, kDrover, kRaw, false, 1.5, "x"},
    {"128 in flight, two CPUs: times the calls of Cap'n Proto", Placement::kTwoCpus,
     Work::kInFlight, &Summary::rounds_kcalls, kDrover, kStock, true, 8, "x"},
    {"128 in flight, one CPU: times the calls of Cap'n Proto", Placement::kOneCpu, Work::kInFlight,
     &Summary::rounds_kcalls, kDrover, kStock, true, 8, "x"},
    {"null call, two CPUs, DROVER_SPIN=0: of the time a raw socket takes", Placement::kTwoCpus,
     Work::kNullCall, &Summary::rounds_p50_us, kNoSpin, kRaw, false, 1.2, "x"},
};

// The target's figure in each round; empty if it was not measured.
std::vector<double> Figures(const Measurement& measurement, const Target& target) {
  const auto above = measurement.Summarize(target.numerator, target.placement, target.work);
  if (!above) return {};
  std::vector<double> figures = (*above).*target.figure;
  if (target.denominator == nullptr) return figures;
  const auto below = measurement.Summarize(target.denominator, target.placement, target.work);
  if (!below) return {};
  for (size_t i = 0; i < figures.size(); ++i) figures[i] /= ((*below).*target.figure)[i];
  return figures;
}

}  // namespace

std::string TargetsTable(const Measurement& measurement) {
  std::string rows;
  for (const Target& target : kTargets) {
    const std::vector<double> figures = Figures(measurement, target);
    if (figures.empty()) continue;
    const double median = Median(figures);
    const auto [low, high] = std::minmax_element(figures.begin(), figures.end());
    const double worst = target.at_least ? *low : *high;
    const bool met = target.at_least ? median >= target.bound : median <= target.bound;
    absl::StrAppendFormat(&rows, "| %s | at %s %g%s | %.2f%s | %.2f%s | %s |\n", target.what,
                          target.at_least ? "least" : "most", target.bound, target.unit, median,
                          target.unit, worst, target.unit, met ? "yes" : "**no**");
  }
  if (rows.empty()) return "";
  return absl::StrCat("| target | bound | measured | worst round | met |\n",
                      "| --- | --- | ---: | ---: | --- |\n", rows);
}

}  // namespace drover::bench
