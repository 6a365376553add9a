// bench: Drover and its peers doing the same work; arguments.h says how to call it.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "common/arguments.h"
#include "common/contender.h"
#include "common/measurement.h"
#include "common/report.h"

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
  Measurement measurement(std::move(contenders), arguments->measurement);
  if (absl::Status status = measurement.Run(); !status.ok()) {
    std::cerr << "bench: " << status << "\n";
    return 1;
  }
  const std::string report = arguments->brief ? BriefReport(measurement)
                                              : Report(measurement, {"raw socket", "Cap'n Proto"});
  std::cout << report;
  if (arguments->out.empty()) return 0;
  std::ofstream file(arguments->out);
  file << report;
  file.close();
  if (!file) std::cerr << "bench: cannot write " << arguments->out << "\n";
  return file ? 0 : 1;
}

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) { return drover::bench::Main(argc, argv); }
