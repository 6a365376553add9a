#include "common/arguments.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace drover::bench {
namespace {

// False if the option does not exist or cannot have this value.
bool Set(const std::string& option, const std::string& value, std::vector<Work>& work,
         Arguments& arguments) {
  MeasurementOptions& measurement = arguments.measurement;
  if (option == "--rounds") {
    return absl::SimpleAtoi(value, &measurement.rounds) && measurement.rounds >= 1;
  } else if (option == "--seconds") {
    return absl::SimpleAtod(value, &measurement.seconds) && measurement.seconds > 0;
  } else if (option == "--only") {
    arguments.only.push_back(absl::AsciiStrToLower(value));
    return true;
  } else if (option == "--work") {
    const std::optional<Work> named = WorkNamed(value);
    if (named) work.push_back(*named);
    return named.has_value();
  } else if (option == "--left-out") {
    measurement.left_out.push_back(value);
    return true;
  }
  for (const auto& [name, place] :
       {std::pair("--peers", &arguments.peers), std::pair("--worker", &arguments.worker),
        std::pair("--out", &arguments.out), std::pair("--data", &arguments.data)}) {
    if (option != name) continue;
    *place = value;
    return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Arguments> ParseArguments(const std::vector<std::string>& words) {
  Arguments arguments;
  arguments.measurement.rounds = 0;
  std::vector<Work> work;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string option = words[i], value;
    if (option == "--pinned") {
      arguments.measurement.placements = {Placement::kOneCpu};
      continue;
    } else if (option == "--two-cpus") {
      arguments.measurement.placements = {Placement::kTwoCpus};
      continue;
    } else if (option == "--pipelining") {
      arguments.pipelining = true;
      continue;
    } else if (option == "--open-loop") {
      arguments.open_loop = true;
      continue;
    }
    if (const size_t equals = option.find('='); equals != std::string::npos) {
      value = option.substr(equals + 1);
      option.resize(equals);
    } else if (i + 1 < words.size()) {
      value = words[++i];
    }
    if (value.empty() || !Set(option, value, work, arguments)) {
      return absl::InvalidArgumentError(absl::StrCat("cannot use '", option, " ", value, "'"));
    }
  }
  arguments.brief = !work.empty();
  if (!work.empty()) arguments.measurement.work = work;
  if (arguments.measurement.rounds == 0) arguments.measurement.rounds = arguments.brief ? 1 : 7;
  return arguments;
}

}  // namespace drover::bench
