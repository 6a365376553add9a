#include "scale.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench.drover.h"
#include "common/process.h"
#include "common/sample.h"
#include "drover/base/log.h"
#include "drover/base/status_macros.h"
#include "drover/fleet_server/serve_fleet.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "scale_findings.h"

namespace drover::bench {
namespace {

using ::bench::BenchProxy;

constexpr int kWarm = 64;          // connections, objects: what is made once is made for these
constexpr int kSettleSeconds = 1;  // until clients have sent their last words, and ticks are over
constexpr int kRounds = 5;         // of each figure

class Servant final : public ::bench::BenchServant {
 public:
  absl::StatusOr<uint32_t> Calculate(uint32_t x) override { return x + 1; }
  absl::StatusOr<BenchProxy> Another() override { return BenchProxy(std::make_shared<Servant>()); }
};

// What the processes tell each other: memory that they share.
ScaleFindings* SharedFindings() {
  void* page = mmap(nullptr, sizeof(ScaleFindings), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? nullptr : new (page) ScaleFindings;
}

// --- what the kernel says of a process ----------------------------------------------------------

// The number behind `key` in a file of /proc; 0 if it is not there.
int64_t NumberIn(const std::string& file, const std::string& key) {
  std::ifstream in(file);
  std::string word;
  int64_t number = 0;
  while (in >> word) {
    if (word == key && in >> number) return number;
  }
  return 0;
}

double PssKib(pid_t pid) {
  return static_cast<double>(NumberIn(absl::StrCat("/proc/", pid, "/smaps_rollup"), "Pss:"));
}

// Of all threads but the first, which only waits for this measurement.
int64_t Switches(pid_t pid) {
  const std::string tasks = absl::StrCat("/proc/", pid, "/task");
  int64_t switches = 0;
  DIR* dir = opendir(tasks.c_str());
  if (dir == nullptr) return 0;
  while (const dirent* task = readdir(dir)) {
    if (task->d_name[0] == '.' || task->d_name == std::to_string(pid)) continue;
    const std::string status = absl::StrCat(tasks, "/", task->d_name, "/status");
    switches += NumberIn(status, "voluntary_ctxt_switches:") +
                NumberIn(status, "nonvoluntary_ctxt_switches:");
  }
  closedir(dir);
  return switches;
}

void SleepSeconds(int seconds) { std::this_thread::sleep_for(std::chrono::seconds(seconds)); }

// As many as the most connections take at either end, and some.
absl::Status RaiseDescriptorLimit() {
  constexpr rlim_t kEnough = 11'000;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::ErrnoToStatus(errno, "getrlimit");
  if (limit.rlim_cur >= kEnough) return absl::OkStatus();
  limit.rlim_cur = kEnough;
  if (limit.rlim_max < kEnough || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat(
        kEnough, " descriptors are needed, and RLIMIT_NOFILE allows ", limit.rlim_max));
  }
  return absl::OkStatus();
}

// --- the processes ------------------------------------------------------------------------------

absl::Status Check(const absl::StatusOr<uint32_t>& answer) {
  if (!answer.ok()) return answer.status();
  return *answer == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
}

struct Place {
  std::vector<int> cpus;
  std::string endpoint;
  std::string other;  // endpoint, of a server that is left alone
  ScaleFindings* found;
  double seconds;
};

absl::StatusOr<ServerProcess> StartServer(const std::vector<int>& cpus,
                                          const std::string& endpoint) {
  return ServerProcess::Start(cpus, [&](const std::function<void()>& ready) -> absl::Status {
    Limits limits;
    limits.max_connections = 100'000;
    DROVER_ASSIGN_OR_RETURN(Server server, drover::Serve(endpoint, std::make_shared<Servant>(),
                                                         ServerOptions{.limits = limits}));
    ready();
    server.Wait();
    return absl::InternalError("stopped serving");
  });
}

// Runs one client beside both servers.
absl::Status WithServers(const Place& place, const std::function<absl::Status()>& client) {
  DROVER_ASSIGN_OR_RETURN(const ServerProcess server, StartServer(place.cpus, place.endpoint));
  DROVER_ASSIGN_OR_RETURN(const ServerProcess other, StartServer(place.cpus, place.other));
  place.found->server = server.pid();
  return RunInProcess(place.cpus,
                      [&]() -> absl::StatusOr<Sample> {
                        DROVER_RETURN_IF_ERROR(client());
                        return Sample{};
                      })
      .status();
}

// Times `call` and one to the server that is left alone in turns; of each the best round counts.
absl::StatusOr<ScaledCall> TimeInTurns(const Place& place, const BenchProxy& alone,
                                       const std::function<absl::Status()>& call) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  ScaledCall best = {.us = kNone, .alone_us = kNone};
  for (int round = 0; round < kRounds; ++round) {
    DROVER_ASSIGN_OR_RETURN(const Sample reference,
                            TimeCalls(place.seconds, [&] { return Check(alone.Calculate(7)); }));
    DROVER_ASSIGN_OR_RETURN(const Sample sample, TimeCalls(place.seconds, call));
    best.alone_us = std::min(best.alone_us, reference.p50_us);
    best.us = std::min(best.us, sample.p50_us);
  }
  return best;
}

absl::Status MeasureConnections(const Place& place) {
  ScaleFindings& found = *place.found;
  const auto alone = Connect<BenchProxy>(place.other);
  std::vector<BenchProxy> proxies;
  for (size_t i = 0; i < kScaleCount; ++i) {
    while (proxies.size() < static_cast<size_t>(kScaleNumbers[i])) {
      proxies.push_back(Connect<BenchProxy>(place.endpoint));
      DROVER_RETURN_IF_ERROR(Check(proxies.back().Calculate(7)));
    }
    if (kScaleNumbers[i] == kScaleIdle) {
      SleepSeconds(kSettleSeconds);
      const int64_t server = Switches(found.server), client = Switches(getpid());
      SleepSeconds(kScaleIdleSeconds);
      found.server_switches = Switches(found.server) - server;
      found.client_switches = Switches(getpid()) - client;
    }
    DROVER_ASSIGN_OR_RETURN(found.connections[i], TimeInTurns(place, alone, [&] {
                              return Check(proxies.front().Calculate(7));
                            }));
  }
  return absl::OkStatus();
}

// Apart from the times, whose calls touch memory too.
absl::Status MeasureConnectionMemory(const Place& place) {
  std::vector<BenchProxy> proxies;
  double server = 0, client = 0;
  for (int i = 0; i < kWarm + kScaleIdle; ++i) {
    if (i == kWarm) {
      SleepSeconds(kSettleSeconds);
      server = PssKib(place.found->server);
      client = PssKib(getpid());
    }
    proxies.push_back(Connect<BenchProxy>(place.endpoint));
    DROVER_RETURN_IF_ERROR(Check(proxies.back().Calculate(7)));
  }
  SleepSeconds(kSettleSeconds);
  place.found->connection_kib = (PssKib(place.found->server) - server) / kScaleIdle;
  place.found->client_connection_kib = (PssKib(getpid()) - client) / kScaleIdle;
  return absl::OkStatus();
}

absl::Status MeasureObjects(const Place& place) {
  ScaleFindings& found = *place.found;
  const auto alone = Connect<BenchProxy>(place.other);
  const auto front = Connect<BenchProxy>(place.endpoint);
  std::vector<BenchProxy> proxies;
  double before = 0;
  for (size_t i = 0; i < kScaleCount; ++i) {
    while (proxies.size() < static_cast<size_t>(kScaleNumbers[i])) {
      if (proxies.size() == kWarm) before = PssKib(found.server);
      DROVER_ASSIGN_OR_RETURN(BenchProxy another, front.Another());
      proxies.push_back(std::move(another));
    }
    DROVER_ASSIGN_OR_RETURN(found.object[i], TimeInTurns(place, alone, [&] {
                              return Check(proxies.front().Calculate(7));
                            }));
    size_t next = 0;
    DROVER_ASSIGN_OR_RETURN(found.objects[i], TimeInTurns(place, alone, [&] {
                              next = next + 1 < proxies.size() ? next + 1 : 0;
                              return Check(proxies[next].Calculate(7));
                            }));
  }
  found.object_kib = (PssKib(found.server) - before) / static_cast<double>(proxies.size() - kWarm);
  return absl::OkStatus();
}

absl::Status ConnectAndCall(const std::string& endpoint) {
  return Check(Connect<BenchProxy>(endpoint).Calculate(7));
}

// A process that connects, calls and goes, again and again.
absl::StatusOr<ServerProcess> StartStorm(const Place& place, const std::string& endpoint) {
  return ServerProcess::Start(place.cpus, [&](const std::function<void()>& ready) -> absl::Status {
    DROVER_RETURN_IF_ERROR(ConnectAndCall(endpoint));
    ready();
    for (;;) DROVER_RETURN_IF_ERROR(ConnectAndCall(endpoint));
  });
}

absl::Status MeasureStorm(const Place& place) {
  DROVER_ASSIGN_OR_RETURN(const ServerProcess server, StartServer(place.cpus, place.endpoint));
  DROVER_ASSIGN_OR_RETURN(const ServerProcess other, StartServer(place.cpus, place.other));
  const auto calls = [&]() -> absl::StatusOr<Sample> {
    const auto proxy = Connect<BenchProxy>(place.endpoint);
    return TimeCalls(kRounds * place.seconds, [&] { return Check(proxy.Calculate(7)); });
  };
  DROVER_ASSIGN_OR_RETURN(place.found->calm, RunInProcess(place.cpus, calls));
  DROVER_ASSIGN_OR_RETURN(place.found->connects, RunInProcess(place.cpus, [&] {
                            return TimeCalls(kRounds * place.seconds,
                                             [&] { return ConnectAndCall(place.endpoint); });
                          }));
  {
    DROVER_ASSIGN_OR_RETURN(const ServerProcess storm, StartStorm(place, place.endpoint));
    DROVER_ASSIGN_OR_RETURN(place.found->storm, RunInProcess(place.cpus, calls));
  }
  DROVER_ASSIGN_OR_RETURN(const ServerProcess storm, StartStorm(place, place.other));
  DROVER_ASSIGN_OR_RETURN(place.found->elsewhere, RunInProcess(place.cpus, calls));
  return absl::OkStatus();
}

// From kill -9 until the worker in its place has answered.
absl::StatusOr<double> ReplaceWorker(const Fleet& fleet, const BenchProxy& proxy, int slot) {
  const pid_t pid = fleet.status()[slot].pid;
  const Countdown clock(0);
  kill(pid, SIGKILL);
  for (;;) {
    const absl::StatusOr<uint32_t> answer = proxy.Calculate(7);
    if (answer.ok() && fleet.status()[slot].pid != pid) return 1e3 * clock.Elapsed();
    if (!answer.ok() && !absl::IsUnavailable(answer.status())) return answer.status();
  }
}

absl::Status MeasureFleet(const Place& place, size_t i) {
  ScaleFindings& found = *place.found;
  DROVER_ASSIGN_OR_RETURN(const ServerProcess other, StartServer(place.cpus, place.other));
  const auto measure = [&]() -> absl::StatusOr<Sample> {
    SetMinLogSeverity(LogSeverity::kError);  // workers are killed here
    const Countdown clock(0);
    DROVER_ASSIGN_OR_RETURN(
        Fleet fleet, ServeFleet({.workers = kScaleWorkers[i], .ready_timeout = absl::Minutes(4)},
                                [](int) { return std::make_shared<Servant>(); }));
    std::vector<BenchProxy> proxies;
    for (const Endpoint& endpoint : fleet.endpoints()) {
      proxies.push_back(Connect<BenchProxy>(endpoint));
      DROVER_RETURN_IF_ERROR(Check(proxies.back().Calculate(7)));
    }
    found.fleet_seconds[i] = clock.Elapsed();
    double kib = 0;
    for (const auto& slot : fleet.status()) kib += PssKib(slot.pid);
    found.worker_mib[i] = kib / 1024 / kScaleWorkers[i];
    DROVER_ASSIGN_OR_RETURN(found.workers[i],
                            TimeInTurns(place, Connect<BenchProxy>(place.other),
                                        [&] { return Check(proxies.front().Calculate(7)); }));
    // The first time that a worker is replaced that is done at once, later ones wait.
    std::vector<double> replaced;
    for (int slot = 0; slot < std::min(kRounds, kScaleWorkers[i]); ++slot) {
      DROVER_ASSIGN_OR_RETURN(const double ms, ReplaceWorker(fleet, proxies[slot], slot));
      replaced.push_back(ms);
    }
    found.replaced_ms[i] = Median(replaced);
    return Sample{};
  };
  return RunInProcess(place.cpus, measure).status();
}

}  // namespace

absl::StatusOr<std::string> ScaleReport(double seconds, const std::string& data) {
  DROVER_RETURN_IF_ERROR(RaiseDescriptorLimit());
  ScaleFindings* found = SharedFindings();
  char folder[] = "/tmp/drover-scale-XXXXXX";
  if (found == nullptr || mkdtemp(folder) == nullptr) {
    return absl::ResourceExhaustedError("no memory, or no folder, for the measurement");
  }
  const Place place = {.cpus = AllowedCpus(),
                       .endpoint = absl::StrCat("unix://", folder, "/socket"),
                       .other = absl::StrCat("unix://", folder, "/other"),
                       .found = found,
                       .seconds = seconds};
  absl::Status status;
  for (auto* measure : {&MeasureConnections, &MeasureConnectionMemory, &MeasureObjects}) {
    if (status.ok()) status = WithServers(place, [&] { return measure(place); });
  }
  if (status.ok()) status = MeasureStorm(place);
  for (size_t i = 0; i < kScaleWorkerCount && status.ok(); ++i) status = MeasureFleet(place, i);
  for (const char* file : {"/socket", "/other"}) {
    unlink(absl::StrCat(folder, file).c_str());
    unlink(absl::StrCat(folder, file, ".lock").c_str());
  }
  rmdir(folder);
  if (status.ok() && !data.empty()) {
    std::ofstream file(data);
    file << ScaleData(*found);
    file.close();
    if (!file) status = absl::UnavailableError(absl::StrCat("cannot write ", data));
  }
  const std::string section = ScaleSection(*found);
  munmap(found, sizeof *found);
  if (!status.ok()) return status;
  return section;
}

}  // namespace drover::bench
