// bench [--rounds=N] [--seconds=S] [--only=NAME] [--out=FILE]: measures every contender in one run
// and prints the report; --out also writes it to a file. --only may be given more than once.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "common/contender.h"
#include "common/measurement.h"
#include "common/report.h"

namespace drover::bench {
namespace {

struct Arguments {
  MeasurementOptions measurement;
  std::vector<std::string> only;
  std::string out;
};

// False, after saying why, if an argument is wrong.
bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    bool good = !value.empty();
    if (name == "--rounds") {
      good = absl::SimpleAtoi(value, &arguments.measurement.rounds) &&
             arguments.measurement.rounds >= 1;
    } else if (name == "--seconds") {
      good = absl::SimpleAtod(value, &arguments.measurement.seconds) &&
             arguments.measurement.seconds > 0;
    } else if (name == "--only") {
      arguments.only.push_back(value);
    } else if (name == "--out") {
      arguments.out = value;
    } else {
      good = false;
    }
    if (!good) {
      std::cerr << "bench: cannot use '" << argument << "'\n"
                << "usage: bench [--rounds=N] [--seconds=S] [--only=NAME] [--out=FILE]\n";
      return false;
    }
  }
  return true;
}

std::vector<std::unique_ptr<Contender>> Contenders(const std::vector<std::string>& only) {
  std::vector<std::unique_ptr<Contender>> all = RawSocketContenders();
  all.push_back(CapnpContender());
  for (auto& contender : DroverContenders()) all.push_back(std::move(contender));
  if (only.empty()) return all;
  std::erase_if(all, [&](const std::unique_ptr<Contender>& contender) {
    return std::find(only.begin(), only.end(), contender->name()) == only.end();
  });
  return all;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) return 2;
  auto contenders = Contenders(arguments.only);
  if (contenders.empty()) {
    std::cerr << "bench: --only names no contender\n";
    return 2;
  }
  Measurement measurement(std::move(contenders), arguments.measurement);
  if (absl::Status status = measurement.Run(); !status.ok()) {
    std::cerr << "bench: " << status << "\n";
    return 1;
  }
  const std::string report = Report(measurement, {"raw socket", "Cap'n Proto"});
  std::cout << report;
  if (arguments.out.empty()) return 0;
  std::ofstream file(arguments.out);
  file << report;
  file.close();
  if (!file) std::cerr << "bench: cannot write " << arguments.out << "\n";
  return file ? 0 : 1;
}

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) { return drover::bench::Main(argc, argv); }
