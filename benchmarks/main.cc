// bench: Drover and its peers doing the same work; arguments.h says how to call it.
#include <algorithm>
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
#include "common/measurement.h"
#include "common/report.h"
#include "drover/base/status_macros.h"
#include "pipelining.h"

namespace drover::bench {
namespace {

// Those whose name is in `only`, in any case; all if it is empty.
std::vector<std::unique_ptr<Contender>> Contenders(const std::vector<std::string>& only) {
  std::vector<std::unique_ptr<Contender>> all = RawSocketContenders();
  all.push_back(CapnpContender());
  for (auto& contender : DroverContenders()) all.push_back(std::move(contender));
  if (only.empty()) return all;
  std::erase_if(all, [&](const std::unique_ptr<Contender>& contender) {
    const std::string name = absl::AsciiStrToLower(contender->name());
    return std::find(only.begin(), only.end(), name) == only.end();
  });
  return all;
}

// What the arguments ask for, as text. The first error ends it.
absl::StatusOr<std::string> Measure(const Arguments& arguments,
                                    std::vector<std::unique_ptr<Contender>> contenders) {
  const MeasurementOptions& options = arguments.measurement;
  if (arguments.pipelining) return PipeliningReport(options.rounds, options.seconds);
  Measurement measurement(std::move(contenders), options);
  DROVER_RETURN_IF_ERROR(measurement.Run());
  if (arguments.brief) return BriefReport(measurement);
  std::string report = Report(measurement, {"raw socket", "Cap'n Proto"});
  if (!arguments.only.empty()) return report;
  DROVER_ASSIGN_OR_RETURN(const std::string section,
                          PipeliningReport(options.rounds, options.seconds));
  return absl::StrCat(report, "\n", section);
}

int Main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::cout << kUsage;
    return 0;
  }
  auto arguments = ParseArguments(std::vector<std::string>(argv + 1, argv + argc));
  if (!arguments.ok()) {
    std::cerr << "bench: " << arguments.status().message() << "\n" << kUsage;
    return 2;
  }
  auto contenders = Contenders(arguments->only);
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
  if (arguments->out.empty()) return 0;
  std::ofstream file(arguments->out);
  file << *report;
  file.close();
  if (!file) std::cerr << "bench: cannot write " << arguments->out << "\n";
  return file ? 0 : 1;
}

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) { return drover::bench::Main(argc, argv); }
