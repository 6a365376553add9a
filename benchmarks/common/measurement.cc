#include "common/measurement.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/idle.h"
#include "common/process.h"
#include "drover/base/status_macros.h"

namespace drover::bench {

Measurement::Measurement(std::vector<std::unique_ptr<Contender>> contenders,
                         MeasurementOptions options)
    : contenders_(std::move(contenders)),
      options_(std::move(options)),
      two_cpus_(AllowedCpus()),
      left_out_(options_.left_out) {
  if (two_cpus_.size() > 2) two_cpus_.resize(2);
  // The second: the first has more of the machine's interrupts.
  if (!two_cpus_.empty()) one_cpu_ = {two_cpus_.back()};
}

absl::Status Measurement::Run() {
  std::string folder = (std::filesystem::temp_directory_path() / "bench.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return absl::ErrnoToStatus(errno, folder);
  if (getloadavg(&load_before_, 1) != 1) load_before_ = 0;
  absl::Status status;
  for (int round = 1; status.ok() && round <= options_.rounds; ++round) {
    std::cerr << "round " << round << " of " << options_.rounds << std::endl;
    status = RunRound(round, folder);
  }
  std::error_code ignored;  // a folder left behind harms nothing
  std::filesystem::remove_all(folder, ignored);
  return status;
}

absl::Status Measurement::RunRound(int round, const std::string& folder) {
  for (Placement placement : options_.placements) {
    for (Work work : options_.work) {
      if (work == Work::kIdle && (round > 1 || placement != options_.placements[0])) continue;
      for (const auto& contender : contenders_) {
        const std::tuple key(contender->name(), placement, work);
        if (!contender->Does(work, placement) || failed_.contains(key)) continue;
        absl::StatusOr<Sample> sample =
            MeasureOnce(*contender, placement, work, absl::StrCat(folder, "/", sockets_++));
        if (sample.ok()) {
          samples_[key].push_back(*sample);
          continue;
        }
        const std::string what = absl::StrCat(contender->name(), ", ", Name(work), ", ",
                                              Name(placement), ": ", sample.status().message());
        if (contender->kind() != Kind::kPeer) return absl::Status(sample.status().code(), what);
        std::cerr << "bench: left out: " << what << std::endl;
        left_out_.push_back(what);
        failed_.insert(key);
        samples_.erase(key);
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Sample> Measurement::MeasureOnce(Contender& contender, Placement placement,
                                                Work work, const std::string& socket) {
  const std::vector<int>& where = cpus(placement);
  DROVER_ASSIGN_OR_RETURN(const ServerProcess server,
                          ServerProcess::Start(where, [&](const auto& ready) {
                            return contender.Serve(socket, ready);
                          }));
  if (work == Work::kIdle) {
    return MeasureIdle(contender, server, socket, where, options_.seconds);
  }
  return RunInProcess(where, [&] { return contender.Run(work, socket, options_.seconds); });
}

std::vector<std::string> Measurement::names() const {
  std::vector<std::string> names;
  for (const auto& contender : contenders_) names.push_back(contender->name());
  return names;
}

const std::vector<int>& Measurement::cpus(Placement placement) const {
  return placement == Placement::kTwoCpus ? two_cpus_ : one_cpu_;
}

std::optional<Summary> Measurement::Summarize(const std::string& name, Placement placement,
                                              Work work) const {
  const auto found = samples_.find({name, placement, work});
  if (found == samples_.end()) return std::nullopt;
  Summary summary;
  std::vector<double> p99, worst;
  std::vector<double>& p50 = summary.rounds_p50_us;
  std::vector<double>& kcalls = summary.rounds_kcalls;
  for (const Sample& sample : found->second) {
    p50.push_back(sample.p50_us);
    p99.push_back(sample.p99_us);
    worst.push_back(sample.worst_us);
    kcalls.push_back(sample.calls_per_second() / 1000);
    summary.rounds_idle_kib.push_back(sample.idle_kib);
    summary.rounds_idle_switches.push_back(sample.idle_switches);
    summary.idle_seconds = sample.seconds;
  }
  summary.idle_kib = Median(summary.rounds_idle_kib);
  summary.idle_switches =
      *std::max_element(summary.rounds_idle_switches.begin(), summary.rounds_idle_switches.end());
  summary.p50_us = Median(p50);
  summary.p99_us = Median(p99);
  summary.worst_us = *std::max_element(worst.begin(), worst.end());
  summary.kcalls = Median(kcalls);
  summary.lowest_kcalls = *std::min_element(kcalls.begin(), kcalls.end());
  summary.highest_p50_us = *std::max_element(p50.begin(), p50.end());
  return summary;
}

}  // namespace drover::bench
