#include "options.h"

#include <getopt.h>

#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace {

constexpr char kUsage[] =
    "usage: race [--workers N] [--endpoint unix|tcp] [--max-seconds N] [--seed N]";

template <class Int>
absl::Status ParseNumber(const std::string& option, Int least, Int most, Int* out) {
  if (absl::SimpleAtoi(optarg, out) && *out >= least && *out <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(option, " takes a number from ", least, " to ",
                                                 most, ", not '", optarg, "'\n", kUsage));
}

}  // namespace

absl::StatusOr<RaceOptions> ParseRaceOptions(int argc, char** argv) {
  static const option kOptions[] = {{"workers", required_argument, nullptr, 'w'},
                                    {"endpoint", required_argument, nullptr, 'e'},
                                    {"max-seconds", required_argument, nullptr, 'm'},
                                    {"seed", required_argument, nullptr, 's'},
                                    {nullptr, 0, nullptr, 0}};
  RaceOptions options;
  options.seed = std::random_device()();
  absl::Status status;
  opterr = 0;
  for (int c; status.ok() && (c = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    const std::string value = optarg == nullptr ? "" : optarg;
    if (c == 'w') {
      status = ParseNumber("--workers", 1, 10'000, &options.fleet.workers);
    } else if (c == 'm') {
      status = ParseNumber("--max-seconds", 1u, 3600u, &options.max_seconds);
    } else if (c == 's') {
      status = ParseNumber("--seed", 0u, ~0u, &options.seed);
    } else if (c == 'e' && value == "tcp") {
      options.fleet.endpoints = {drover::Endpoint::Parse("tcp://127.0.0.1:0").value()};
    } else if (c != 'e' || value != "unix") {
      status = absl::InvalidArgumentError(
          c == 'e' ? absl::StrCat("--endpoint takes unix or tcp, not '", value, "'\n", kUsage)
                   : kUsage);
    }
  }
  if (status.ok() && optind < argc) status = absl::InvalidArgumentError(kUsage);
  if (!status.ok()) return status;
  return options;
}
