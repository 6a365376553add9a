#include "common/measurement.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process.h"

namespace drover::bench {

Measurement::Measurement(std::vector<std::unique_ptr<Contender>> contenders,
                         MeasurementOptions options)
    : contenders_(std::move(contenders)), options_(std::move(options)), two_cpus_(AllowedCpus()) {
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
    status = RunRound(folder);
  }
  std::error_code ignored;  // a folder left behind harms nothing
  std::filesystem::remove_all(folder, ignored);
  return status;
}

absl::Status Measurement::RunRound(const std::string& folder) {
  for (Placement placement : options_.placements) {
    for (Work work : options_.work) {
      for (const auto& contender : contenders_) {
        if (!contender->Does(work, placement)) continue;
        const std::string socket = absl::StrCat(folder, "/", sockets_++);
        auto server = ServerProcess::Start(
            cpus(placement), [&](const auto& ready) { return contender->Serve(socket, ready); });
        if (!server.ok()) return server.status();
        auto sample = RunInProcess(cpus(placement),
                                   [&] { return contender->Run(work, socket, options_.seconds); });
        if (!sample.ok()) {
          return absl::Status(sample.status().code(),
                              absl::StrCat(contender->name(), ": ", sample.status().message()));
        }
        samples_[{contender->name(), placement, work}].push_back(*sample);
      }
    }
  }
  return absl::OkStatus();
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
  }
  summary.p50_us = Median(p50);
  summary.p99_us = Median(p99);
  summary.worst_us = *std::max_element(worst.begin(), worst.end());
  summary.kcalls = Median(kcalls);
  summary.lowest_kcalls = *std::min_element(kcalls.begin(), kcalls.end());
  summary.highest_p50_us = *std::max_element(p50.begin(), p50.end());
  return summary;
}

}  // namespace drover::bench
