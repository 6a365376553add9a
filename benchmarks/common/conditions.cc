#include "common/conditions.h"

#include <capnp/common.h>
#include <sys/utsname.h>

#include <fstream>

#include "absl/base/config.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process.h"

namespace drover::bench {
namespace {

// The first line of a file; empty if there is none.
std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The value of the first line of a file that begins with `key`, after a colon or an equals sign.
std::string Field(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::string value = line.substr(line.find_first_of(":=") + 1);
    value.erase(0, value.find_first_not_of(" \t\""));
    value.erase(value.find_last_not_of(" \t\"") + 1);
    return value;
  }
  return "";
}

std::string OrUnknown(std::string value) { return value.empty() ? "unknown" : value; }

std::string Compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

std::string Version(int version) {
  return std::to_string(version / 1000000) + "." + std::to_string(version / 1000 % 1000) + "." +
         std::to_string(version % 1000);
}

std::string Abseil() {
#ifdef ABSL_LTS_RELEASE_VERSION
  return std::to_string(ABSL_LTS_RELEASE_VERSION);
#else
  return "unknown";
#endif
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Conditions() {
  utsname kernel = {};
  uname(&kernel);
  const bool virtual_machine =
      (" " + Field("/proc/cpuinfo", "flags") + " ").find(" hypervisor ") != std::string::npos;
  return {
      {"Date", absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone())},
      {"CPU", OrUnknown(Field("/proc/cpuinfo", "model name")) + ", " +
                  std::to_string(AllowedCpus().size()) + " usable" +
                  (virtual_machine ? ", in a virtual machine" : "")},
      {"Governor", OrUnknown(FirstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))},
      {"Kernel", std::string(kernel.sysname) + " " + kernel.release},
      {"System", OrUnknown(Field("/etc/os-release", "PRETTY_NAME"))},
      {"Compiler", Compiler() + ", " DROVER_BENCH_BUILD},
      {"Cap'n Proto", Version(CAPNP_VERSION)},
      {"Abseil", Abseil()},
  };
}

}  // namespace drover::bench
