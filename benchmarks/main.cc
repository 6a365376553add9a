// bench: Drover and its peers doing the same work; arguments.h says how to call it.
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/arguments.h"
#include "common/contender.h"
#include "common/idle.h"
#include "common/measurement.h"
#include "common/program_contender.h"
#include "common/report.h"
#include "common/tables.h"
#include "drover/base/status_macros.h"
#include "pipelining.h"
#include "scale.h"

namespace drover::bench {
namespace {

// Those whose name is in arguments.only, in any case; all if it is empty. Programs that cannot take
// part are added to what is left out.
std::vector<std::unique_ptr<Contender>> Contenders(Arguments& arguments) {
  const std::vector<std::string>& only = arguments.only;
  std::vector<std::unique_ptr<Contender>> all = RawSocketContenders();
  all.push_back(SharedMemoryContender());
  all.push_back(CapnpContender());
  if (!arguments.peers.empty()) {
    ProgramContenders programs = FindProgramContenders(arguments.peers);
    for (auto& contender : programs.contenders) all.push_back(std::move(contender));
    for (std::string& why : programs.left_out) {
      std::cerr << "bench: left out: " << why << std::endl;
      arguments.measurement.left_out.push_back(std::move(why));
    }
  }
  for (auto& contender : DroverContenders()) all.push_back(std::move(contender));
  if (only.empty()) return all;
  std::erase_if(all, [&](const std::unique_ptr<Contender>& contender) {
    const std::string name = absl::AsciiStrToLower(contender->name());
    return std::find(only.begin(), only.end(), name) == only.end();
  });
  return all;
}

// As many as idle connections take, and no more than that: some peers go through all that may be.
void AllowDescriptors() {
  constexpr rlim_t kEnough = 4 * kIdleConnections;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min(kEnough, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << text;
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

// What the arguments ask for, as text, and the data beside it. The first error ends it.
absl::StatusOr<std::string> Measure(const Arguments& arguments,
                                    std::vector<std::unique_ptr<Contender>> contenders) {
  const MeasurementOptions& options = arguments.measurement;
  if (arguments.pipelining) return PipeliningReport(options.rounds, options.seconds);
  Measurement measurement(std::move(contenders), options);
  DROVER_RETURN_IF_ERROR(measurement.Run());
  DROVER_RETURN_IF_ERROR(WriteFile(arguments.data, FiguresAsData(measurement)));
  if (arguments.brief) return BriefReport(measurement);
  std::string report = Report(measurement, arguments.worker);
  if (!arguments.only.empty()) return report;
  DROVER_ASSIGN_OR_RETURN(const std::string section,
                          PipeliningReport(options.rounds, options.seconds));
  return absl::StrCat(report, "\n", section);
}

// bench --scale [DATA]: how costs grow with numbers, alone (scale.h).
int ScaleMain(const std::string& data) {
  const absl::StatusOr<std::string> section = ScaleReport(/*seconds=*/0.1, data);
  if (section.ok()) {
    std::cout << *section;
  } else {
    std::cerr << "bench: " << section.status() << "\n";
  }
  return section.ok() ? 0 : 1;
}

int Main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::cout << kUsage;
    return 0;
  }
  // What is measured at a UNIX socket stays there; shared memory has contenders of its own, at
  // shm://.
  setenv("DROVER_SHM", "0", /*overwrite=*/1);
  if (argc >= 2 && std::string(argv[1]) == "--scale") return ScaleMain(argc > 2 ? argv[2] : "");
  auto arguments = ParseArguments(std::vector<std::string>(argv + 1, argv + argc));
  if (!arguments.ok()) {
    std::cerr << "bench: " << arguments.status().message() << "\n" << kUsage;
    return 2;
  }
  AllowDescriptors();
  std::vector<std::unique_ptr<Contender>> contenders = Contenders(*arguments);
  if (contenders.empty()) {
    std::cerr << "bench: --only names no contender\n";
    return 2;
  }
  const absl::StatusOr<std::string> report = Measure(*arguments, std::move(contenders));
  if (!report.ok()) {
    std::cerr << "bench: " << report.status() << "\n";
    return 1;
  }
  std::cout << *report;
  const absl::Status written = WriteFile(arguments->out, *report);
  if (!written.ok()) std::cerr << "bench: " << written << "\n";
  return written.ok() ? 0 : 1;
}

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) { return drover::bench::Main(argc, argv); }
