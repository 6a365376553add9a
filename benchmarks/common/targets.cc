#include "common/targets.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace drover::bench {
namespace {

using Rounds = std::vector<double> Summary::*;
constexpr Rounds kTime = &Summary::rounds_p50_us;
constexpr Rounds kRate = &Summary::rounds_kcalls;
constexpr Rounds kMemory = &Summary::rounds_idle_kib;
constexpr Rounds kSwitches = &Summary::rounds_idle_switches;

constexpr Placement kTwo = Placement::kTwoCpus;
constexpr Placement kOne = Placement::kOneCpu;

constexpr char kDrover[] = "Drover";
constexpr char kNoSpin[] = "Drover, DROVER_SPIN=0";
constexpr char kZeroCopy[] = "Drover, zero-copy";
constexpr char kShm[] = "Drover, shm";
constexpr char kInPlace[] = "Drover, shm, own worker";
constexpr char kStock[] = "Cap'n Proto";
constexpr char kRaw[] = "raw socket";
constexpr char kRawSpinning[] = "raw socket, spinning";
constexpr char kBestPeer[] = "";  // in place of a name: the best of all peers in each round

// A bound for the figure of a contender, or for what it is of another's. "At least" with another
// means how many times as fast it has to be, "at most" how many times as long it may take.
struct Target {
  const char* what;
  Placement placement;
  Work work;
  Rounds figure;
  const char* contender;
  const char* other;  // null if there is none
  bool at_least;
  double bound;
  const char* unit;
  std::optional<Work> others_work = std::nullopt;  // what the other does, if it is not `work`
  // Set for a machine on which this contender takes so many microseconds for it.
  const char* reference = nullptr;
  double reference_us = 0;
};
constexpr bool kAtLeast = true;
constexpr bool kAtMost = false;

constexpr Target kTargets[] = {
    {"null call, two CPUs", kTwo, Work::kNullCall, kTime, kDrover, nullptr, kAtMost, 4.5, " us",
     std::nullopt, kRawSpinning, 3.3},
    {"null call, two CPUs: of the time of a raw socket that spins", kTwo, Work::kNullCall, kTime,
     kDrover, kRawSpinning, kAtMost, 1.4, "x"},
    {"null call, two CPUs: times as fast as the best peer", kTwo, Work::kNullCall, kTime, kDrover,
     kBestPeer, kAtLeast, 9, "x", std::nullopt, kBestPeer, 43},
    {"null call, two CPUs: times as fast as Cap'n Proto, over all calls", kTwo, Work::kNullCall,
     kRate, kDrover, kStock, kAtLeast, 8, "x"},
    {"null call, one CPU", kOne, Work::kNullCall, kTime, kDrover, nullptr, kAtMost, 4.8, " us",
     std::nullopt, kRaw, 4.2},
    {"null call, one CPU: of the time of a raw socket", kOne, Work::kNullCall, kTime, kDrover, kRaw,
     kAtMost, 1.15, "x"},
    {"null call, one CPU, DROVER_SPIN=0: of the time of a raw socket", kOne, Work::kNullCall, kTime,
     kNoSpin, kRaw, kAtMost, 1.15, "x"},
    {"null call, two CPUs, DROVER_SPIN=0: of the time of a raw socket", kTwo, Work::kNullCall,
     kTime, kNoSpin, kRaw, kAtMost, 1.2, "x"},
    {"null call, two CPUs, shared memory", kTwo, Work::kNullCall, kTime, kShm, nullptr, kAtMost,
     1.6, " us"},
    {"128 in flight, two CPUs", kTwo, Work::kInFlight, kRate, kDrover, nullptr, kAtLeast, 1500,
     " k calls/s"},
    {"128 in flight, two CPUs: times the calls of the best peer", kTwo, Work::kInFlight, kRate,
     kDrover, kBestPeer, kAtLeast, 4, "x"},
    {"128 in flight, two CPUs: times the calls of Cap'n Proto", kTwo, Work::kInFlight, kRate,
     kDrover, kStock, kAtLeast, 8, "x"},
    {"128 in flight, one CPU: times the calls of Cap'n Proto", kOne, Work::kInFlight, kRate,
     kDrover, kStock, kAtLeast, 8, "x"},
    {"one-way, two CPUs: times the calls of the best peer", kTwo, Work::kOneWay, kRate, kDrover,
     kBestPeer, kAtLeast, 1, "x"},
    {"8 threads with a connection each, two CPUs: times the calls of raw sockets", kTwo,
     Work::kThreads, kRate, kDrover, kRaw, kAtLeast, 1.1, "x"},
    {"8 threads with a connection each, two CPUs: times the calls of the best peer", kTwo,
     Work::kThreads, kRate, kDrover, kBestPeer, kAtLeast, 2, "x"},
    {"8 threads with copies of one proxy, two CPUs: times the calls of raw sockets", kTwo,
     Work::kSharedConnection, kRate, kDrover, kRaw, kAtLeast, 1.1, "x", Work::kThreads},
    {"8 threads with copies of one proxy, two CPUs: times the calls of the best peer", kTwo,
     Work::kSharedConnection, kRate, kDrover, kBestPeer, kAtLeast, 2, "x", Work::kThreads},
    {"8 threads with copies of one proxy, two CPUs, shared memory: times the calls of the best "
     "peer",
     kTwo, Work::kSharedConnection, kRate, kShm, kBestPeer, kAtLeast, 2, "x", Work::kThreads},
    {"8 threads with a connection each, two CPUs, shared memory: times the calls of raw sockets",
     kTwo, Work::kThreads, kRate, kShm, kRaw, kAtLeast, 1.1, "x"},
    {"8 threads with a connection each, two CPUs, shared memory: times the calls of the best peer",
     kTwo, Work::kThreads, kRate, kShm, kBestPeer, kAtLeast, 2, "x"},
    {"echo 64 KiB, two CPUs: times as fast as the best peer", kTwo, Work::kEcho64KiB, kTime,
     kDrover, kBestPeer, kAtLeast, 1, "x"},
    {"echo 1 MiB, two CPUs: times as fast as the best peer", kTwo, Work::kEcho1MiB, kTime, kDrover,
     kBestPeer, kAtLeast, 1, "x"},
    {"echo 64 KiB, one CPU, zero-copy: of the time of a raw socket", kOne, Work::kEcho64KiB, kTime,
     kZeroCopy, kRaw, kAtMost, 1.6, "x"},
    {"echo 1 MiB, one CPU, zero-copy: of the time of a raw socket", kOne, Work::kEcho1MiB, kTime,
     kZeroCopy, kRaw, kAtMost, 1.6, "x"},
    {"echo 1 MiB, two CPUs, shared memory, in place", kTwo, Work::kEcho1MiB, kTime, kInPlace,
     nullptr, kAtMost, 100, " us"},
    {"echo 1 MiB, two CPUs, shared memory, in place: times as fast as the best peer", kTwo,
     Work::kEcho1MiB, kTime, kInPlace, kBestPeer, kAtLeast, 5, "x"},
    {"idle connection in the server", kTwo, Work::kIdle, kMemory, kDrover, nullptr, kAtMost, 1.5,
     " KiB"},
    {"context switches of the server while all are idle", kTwo, Work::kIdle, kSwitches, kDrover,
     nullptr, kAtMost, 0, ""},
    {"connect and first call, two CPUs: times as fast as the best peer", kTwo, Work::kConnect,
     kTime, kDrover, kBestPeer, kAtLeast, 1, "x"},
    {"connect and first call, two CPUs: of the time of a raw socket that spins", kTwo,
     Work::kConnect, kTime, kDrover, kRawSpinning, kAtMost, 1.6, "x"},
    {"connect and first call, two CPUs", kTwo, Work::kConnect, kTime, kDrover, nullptr, kAtMost, 17,
     " us", std::nullopt, kBestPeer, 17},
};
constexpr double kMostOpenLoop = 1.3;
constexpr double kMostWorkerMib = 1.5;

bool MoreIsBetter(Rounds figure) { return figure == kRate; }

// The figure of each round of that work; empty if it was not measured.
std::vector<double> Figures(const Measurement& measurement, const Target& target, Work work,
                            const std::string& name) {
  const auto summary = measurement.Summarize(name, target.placement, work);
  return summary ? (*summary).*target.figure : std::vector<double>();
}

// Of each round the best of all peers; empty if there is none.
std::vector<double> BestOfPeers(const Measurement& measurement, const Target& target, Work work) {
  std::vector<double> best;
  for (const auto& contender : measurement.contenders()) {
    if (contender->kind() != Kind::kPeer) continue;
    const std::vector<double> figures = Figures(measurement, target, work, contender->name());
    for (size_t i = 0; i < figures.size(); ++i) {
      if (i == best.size()) best.push_back(figures[i]);
      best[i] = MoreIsBetter(target.figure) ? std::max(best[i], figures[i])
                                            : std::min(best[i], figures[i]);
    }
  }
  return best;
}

std::vector<double> FiguresOfOther(const Measurement& measurement, const Target& target,
                                   const char* other) {
  const Work work = target.others_work.value_or(target.work);
  return other == kBestPeer ? BestOfPeers(measurement, target, work)
                            : Figures(measurement, target, work, other);
}

// What is bounded, in each round; empty if it was not measured.
std::vector<double> Measured(const Measurement& measurement, const Target& target) {
  std::vector<double> figures = Figures(measurement, target, target.work, target.contender);
  if (target.other == nullptr) return figures;
  const std::vector<double> others = FiguresOfOther(measurement, target, target.other);
  figures.resize(std::min(figures.size(), others.size()));
  for (size_t i = 0; i < figures.size(); ++i) {
    figures[i] /= others[i];
    if (target.at_least && !MoreIsBetter(target.figure)) figures[i] = 1 / figures[i];
  }
  return figures;
}

// For a bound that is missed: how this machine differs from the one that it was set for.
std::string Reference(const Measurement& measurement, const Target& target) {
  if (target.reference == nullptr) return "";
  const std::vector<double> figures = FiguresOfOther(measurement, target, target.reference);
  if (figures.empty()) return "";
  return absl::StrFormat(": %s takes %.3g us here, %g us where the bound was set",
                         target.reference == kBestPeer ? "the best peer" : target.reference,
                         Median(figures), target.reference_us);
}

// `figures` of each round; empty if nothing was measured. `why` follows if it is not met.
std::string Row(const std::string& what, bool at_least, double bound, const std::string& unit,
                const std::vector<double>& figures, const std::string& why = "") {
  const std::string bounded =
      absl::StrFormat("| %s | at %s %g%s |", what, at_least ? "least" : "most", bound, unit);
  if (figures.empty()) return bounded + " not measured | | |\n";
  const double median = Median(figures);
  const auto [low, high] = std::minmax_element(figures.begin(), figures.end());
  const bool met = at_least ? median >= bound : median <= bound;
  return absl::StrFormat("%s %.2f%s | %.2f%s | %s |\n", bounded, median, unit,
                         at_least ? *low : *high, unit, met ? "yes" : absl::StrCat("**no**", why));
}

std::vector<double> MibOf(const std::string& file) {
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(file, missing);
  if (missing) return {};
  return {static_cast<double>(bytes) / (1 << 20)};
}

}  // namespace

std::string TargetsTable(const Measurement& measurement, const OtherFigures& others) {
  std::string table =
      "| target | bound | measured | worst round | met |\n| --- | --- | ---: | ---: | --- |\n";
  for (const Target& target : kTargets) {
    table += Row(target.what, target.at_least, target.bound, target.unit,
                 Measured(measurement, target), Reference(measurement, target));
  }
  return absl::StrCat(table,
                      Row("p99 of calls beside slow ones, open loop: of that without slow ones",
                          kAtMost, kMostOpenLoop, "x", others.open_loop),
                      Row("size of the race's worker, stripped", kAtMost, kMostWorkerMib, " MiB",
                          MibOf(others.worker)));
}

}  // namespace drover::bench
