#include "common/idle.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "drover/base/status_macros.h"

namespace drover::bench {
namespace {

// The sum of the fields of a file of /proc whose lines are "Name:  number ...".
absl::StatusOr<double> SumOf(const std::string& path, const std::vector<std::string>& names) {
  std::ifstream file(path);
  double sum = 0;
  bool any = false;
  for (std::string line; std::getline(file, line);) {
    for (const std::string& name : names) {
      if (!line.starts_with(name + ":")) continue;
      std::istringstream words(line.substr(name.size() + 1));
      double value = 0;
      words >> value;
      sum += value;
      any = true;
    }
  }
  if (!any) return absl::UnavailableError(absl::StrCat(path, " says nothing: the process is gone"));
  return sum;
}

// The names in a folder of /proc; none if the process is gone.
std::vector<std::string> Entries(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code gone;
  for (std::filesystem::directory_iterator it(folder, gone), end; !gone && it != end;
       it.increment(gone)) {
    names.push_back(it->path().filename().string());
  }
  return names;
}

absl::StatusOr<double> KibOf(pid_t server) {
  return SumOf(absl::StrCat("/proc/", server, "/smaps_rollup"),
               {"Private_Dirty", "Private_Hugetlb", "Pss_Shmem", "Swap"});
}

absl::StatusOr<double> SwitchesOf(pid_t server) {
  const std::string threads = absl::StrCat("/proc/", server, "/task");
  double switches = 0;
  for (const std::string& thread : Entries(threads)) {
    DROVER_ASSIGN_OR_RETURN(const double some,
                            SumOf(absl::StrCat(threads, "/", thread, "/status"),
                                  {"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"}));
    switches += some;
  }
  return switches;
}

void Sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

}  // namespace

absl::StatusOr<Sample> MeasureIdle(Contender& contender, const ServerProcess& server,
                                   const std::string& socket, const std::vector<int>& cpus,
                                   double seconds) {
  auto hold = [&](int connections) {
    return ServerProcess::Start(cpus, [&, connections](const std::function<void()>& open) {
      return contender.Hold(socket, connections, open);
    });
  };
  DROVER_ASSIGN_OR_RETURN(const ServerProcess first, hold(1));
  Sleep(seconds);  // what the calls have set going comes to rest
  DROVER_ASSIGN_OR_RETURN(const double before_kib, KibOf(server.pid()));
  DROVER_ASSIGN_OR_RETURN(const ServerProcess rest, hold(kIdleConnections));
  Sleep(seconds);
  Sample sample;
  DROVER_ASSIGN_OR_RETURN(const double kib, KibOf(server.pid()));
  sample.idle_kib = (kib - before_kib) / kIdleConnections;
  DROVER_ASSIGN_OR_RETURN(const double before, SwitchesOf(server.pid()));
  const Countdown time(4 * seconds);
  Sleep(4 * seconds);
  DROVER_ASSIGN_OR_RETURN(const double switches, SwitchesOf(server.pid()));
  sample.idle_switches = switches - before;
  sample.seconds = time.Elapsed();
  return sample;
}

}  // namespace drover::bench
