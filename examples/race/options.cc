#include "options.h"

#include <getopt.h>

#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace {

constexpr char kUsage[] =
    "usage: race [--workers N] [--endpoint unix|tcp] [--max-seconds N] [--seed N]";

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(what, "\n", kUsage));
}

template <class Int>
absl::Status ParseNumber(const std::string& option, Int least, Int most, Int* out) {
  if (absl::SimpleAtoi(optarg, out) && *out >= least && *out <= most) return absl::OkStatus();
  return Wrong(
      absl::StrCat(option, " takes a number from ", least, " to ", most, ", not '", optarg, "'"));
}

absl::Status ParseTransport(drover::ServeFleetOptions* fleet) {
  const std::string name = optarg;
  if (name != "unix" && name != "tcp") {
    return Wrong(absl::StrCat("--endpoint takes unix or tcp, not '", name, "'"));
  }
  fleet->endpoints.clear();
  if (name == "tcp") fleet->endpoints = {drover::Endpoint::Parse("tcp://127.0.0.1:0").value()};
  return absl::OkStatus();
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
  for (int c; status.ok() && (c = getopt_long(argc, argv, ":", kOptions, nullptr)) != -1;) {
    switch (c) {
      case 'w':
        status = ParseNumber("--workers", 1, 10'000, &options.fleet.workers);
        break;
      case 'm':
        status = ParseNumber("--max-seconds", 1u, 3600u, &options.max_seconds);
        break;
      case 's':
        status = ParseNumber("--seed", 0u, ~0u, &options.seed);
        break;
      case 'e':
        status = ParseTransport(&options.fleet);
        break;
      case ':':
        status = Wrong(absl::StrCat(argv[optind - 1], " needs a value"));
        break;
      default:
        status = Wrong(absl::StrCat("unknown option '", argv[optind - 1], "'"));
    }
  }
  if (status.ok() && optind < argc) {
    status = Wrong(absl::StrCat("unexpected argument '", argv[optind], "'"));
  }
  if (!status.ok()) return status;
  return options;
}
