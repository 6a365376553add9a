#include "scale.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench.drover.h"
#include "common/process.h"
#include "common/sample.h"
#include "drover/base/status_macros.h"
#include "drover/fleet_server/serve_fleet.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"

namespace drover::bench {
namespace {

using ::bench::BenchProxy;

constexpr int kNumbers[] = {1, 10, 100, 1'000, 10'000};
constexpr int kWorkers[] = {1, 10, 100, 1'000};
constexpr int kWarm = 64;     // connections, objects: what is made once is made for these
constexpr int kIdle = 1'000;  // connections, while switches are counted
constexpr int kIdleSeconds = 2;
constexpr int kSettleSeconds = 1;  // until clients have sent their last words, and ticks are over

class Servant final : public ::bench::BenchServant {
 public:
  absl::StatusOr<uint32_t> Calculate(uint32_t x) override { return x + 1; }
  absl::StatusOr<BenchProxy> Another() override { return BenchProxy(std::make_shared<Servant>()); }
};

// What the processes tell each other: memory that they share.
struct Findings {
  pid_t server = 0;
  double connections_us[std::size(kNumbers)] = {};
  double objects_us[std::size(kNumbers)] = {};
  double connection_kib = 0, client_connection_kib = 0, object_kib = 0;
  int64_t server_switches = 0, client_switches = 0;
  double fleet_seconds[std::size(kWorkers)] = {};
  double worker_mib[std::size(kWorkers)] = {};
  Sample calm, storm, connects;
};

Findings* SharedFindings() {
  void* page =
      mmap(nullptr, sizeof(Findings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? nullptr : new (page) Findings;
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

void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// --- the processes ------------------------------------------------------------------------------

absl::Status Check(const absl::StatusOr<uint32_t>& answer) {
  if (!answer.ok()) return answer.status();
  return *answer == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
}

struct Place {
  std::vector<int> cpus;
  std::string endpoint;
  Findings* found;
  double seconds;
};

absl::StatusOr<ServerProcess> StartServer(const Place& place) {
  return ServerProcess::Start(
      place.cpus, [&place](const std::function<void()>& ready) -> absl::Status {
        place.found->server = getpid();
        Limits limits;
        limits.max_connections = 100'000;
        DROVER_ASSIGN_OR_RETURN(Server server,
                                drover::Serve(place.endpoint, std::make_shared<Servant>(),
                                              ServerOptions{.limits = limits}));
        ready();
        server.Wait();
        return absl::InternalError("stopped serving");
      });
}

// Runs one client beside a server of its own.
absl::Status WithServer(const Place& place, const std::function<absl::Status()>& client) {
  DROVER_ASSIGN_OR_RETURN(const ServerProcess server, StartServer(place));
  return RunInProcess(place.cpus,
                      [&]() -> absl::StatusOr<Sample> {
                        DROVER_RETURN_IF_ERROR(client());
                        return Sample{};
                      })
      .status();
}

absl::Status MeasureConnections(const Place& place) {
  Findings& found = *place.found;
  std::vector<BenchProxy> proxies;
  const auto grow = [&](size_t number) -> absl::Status {
    while (proxies.size() < number) {
      proxies.push_back(Connect<BenchProxy>(place.endpoint));
      DROVER_RETURN_IF_ERROR(Check(proxies.back().Calculate(7)));
    }
    return absl::OkStatus();
  };
  for (size_t i = 0; i < std::size(kNumbers); ++i) {
    DROVER_RETURN_IF_ERROR(grow(kNumbers[i]));
    if (kNumbers[i] == kIdle) {
      SleepSeconds(kSettleSeconds);
      const int64_t server = Switches(found.server), client = Switches(getpid());
      SleepSeconds(kIdleSeconds);
      found.server_switches = Switches(found.server) - server;
      found.client_switches = Switches(getpid()) - client;
    }
    DROVER_ASSIGN_OR_RETURN(const Sample sample, TimeCalls(place.seconds, [&] {
                              return Check(proxies.front().Calculate(7));
                            }));
    found.connections_us[i] = sample.p50_us;
  }
  return absl::OkStatus();
}

// Apart from the times, whose calls touch memory too.
absl::Status MeasureConnectionMemory(const Place& place) {
  std::vector<BenchProxy> proxies;
  double server = 0, client = 0;
  for (int i = 0; i < kWarm + kIdle; ++i) {
    if (i == kWarm) {
      SleepSeconds(kSettleSeconds);
      server = PssKib(place.found->server);
      client = PssKib(getpid());
    }
    proxies.push_back(Connect<BenchProxy>(place.endpoint));
    DROVER_RETURN_IF_ERROR(Check(proxies.back().Calculate(7)));
  }
  SleepSeconds(kSettleSeconds);
  place.found->connection_kib = (PssKib(place.found->server) - server) / kIdle;
  place.found->client_connection_kib = (PssKib(getpid()) - client) / kIdle;
  return absl::OkStatus();
}

// The calls go round all objects.
absl::Status MeasureObjects(const Place& place) {
  Findings& found = *place.found;
  const auto front = Connect<BenchProxy>(place.endpoint);
  std::vector<BenchProxy> proxies;
  double before = 0;
  for (size_t i = 0; i < std::size(kNumbers); ++i) {
    while (proxies.size() < static_cast<size_t>(kNumbers[i])) {
      if (proxies.size() == kWarm) before = PssKib(found.server);
      DROVER_ASSIGN_OR_RETURN(BenchProxy another, front.Another());
      proxies.push_back(std::move(another));
    }
    size_t next = 0;
    DROVER_ASSIGN_OR_RETURN(const Sample sample, TimeCalls(place.seconds, [&] {
                              next = next + 1 < proxies.size() ? next + 1 : 0;
                              return Check(proxies[next].Calculate(7));
                            }));
    found.objects_us[i] = sample.p50_us;
  }
  found.object_kib = (PssKib(found.server) - before) / static_cast<double>(proxies.size() - kWarm);
  return absl::OkStatus();
}

absl::Status ConnectAndCall(const Place& place) {
  return Check(Connect<BenchProxy>(place.endpoint).Calculate(7));
}

// A process that connects, calls and goes, again and again, beside one that calls.
absl::Status MeasureStorm(const Place& place) {
  DROVER_ASSIGN_OR_RETURN(const ServerProcess server, StartServer(place));
  const auto calls = [&]() -> absl::StatusOr<Sample> {
    const auto proxy = Connect<BenchProxy>(place.endpoint);
    return TimeCalls(place.seconds, [&] { return Check(proxy.Calculate(7)); });
  };
  DROVER_ASSIGN_OR_RETURN(place.found->calm, RunInProcess(place.cpus, calls));
  DROVER_ASSIGN_OR_RETURN(place.found->connects, RunInProcess(place.cpus, [&] {
                            return TimeCalls(place.seconds, [&] { return ConnectAndCall(place); });
                          }));
  DROVER_ASSIGN_OR_RETURN(
      const ServerProcess storm,
      ServerProcess::Start(place.cpus, [&](const std::function<void()>& ready) -> absl::Status {
        ready();
        for (;;) DROVER_RETURN_IF_ERROR(ConnectAndCall(place));
      }));
  DROVER_ASSIGN_OR_RETURN(place.found->storm, RunInProcess(place.cpus, calls));
  return absl::OkStatus();
}

// From nothing until each worker has answered a call.
absl::Status MeasureFleet(const Place& place, size_t i) {
  return RunInProcess(place.cpus,
                      [&]() -> absl::StatusOr<Sample> {
                        const Countdown clock(0);
                        DROVER_ASSIGN_OR_RETURN(
                            Fleet fleet,
                            ServeFleet({.workers = kWorkers[i], .ready_timeout = absl::Minutes(4)},
                                       [](int) { return std::make_shared<Servant>(); }));
                        std::vector<BenchProxy> proxies;
                        for (const Endpoint& endpoint : fleet.endpoints()) {
                          proxies.push_back(Connect<BenchProxy>(endpoint));
                          DROVER_RETURN_IF_ERROR(Check(proxies.back().Calculate(7)));
                        }
                        place.found->fleet_seconds[i] = clock.Elapsed();
                        double kib = 0;
                        for (const auto& slot : fleet.status()) kib += PssKib(slot.pid);
                        place.found->worker_mib[i] = kib / 1024 / kWorkers[i];
                        return Sample{};
                      })
      .status();
}

// --- the section --------------------------------------------------------------------------------

std::string Section(const Findings& found, double seconds) {
  std::string text =
      "## Scale\n\n"
      "A blocking null call over UNIX sockets, two CPUs: on one connection while so many others "
      "are "
      "open\nand idle, and on so many objects of one connection in turn.\n\n"
      "| number | connections, us | objects, us |\n| ---: | ---: | ---: |\n";
  for (size_t i = 0; i < std::size(kNumbers); ++i) {
    absl::StrAppendFormat(&text, "| %d | %.2f | %.2f |\n", kNumbers[i], found.connections_us[i],
                          found.objects_us[i]);
  }
  absl::StrAppend(&text,
                  "\nA fleet, from nothing until each worker has answered a call, and the memory "
                  "(PSS) of each:\n\n| workers | s | ms each | MiB each |\n| ---: | ---: | ---: | "
                  "---: |\n");
  for (size_t i = 0; i < std::size(kWorkers); ++i) {
    absl::StrAppendFormat(&text, "| %d | %.2f | %.2f | %.2f |\n", kWorkers[i],
                          found.fleet_seconds[i], 1e3 * found.fleet_seconds[i] / kWorkers[i],
                          found.worker_mib[i]);
  }
  absl::StrAppend(&text, "\n| idle | |\n| --- | ---: |\n");
  absl::StrAppendFormat(&text, "| a connection, in the server | %.2f KiB |\n",
                        found.connection_kib);
  absl::StrAppendFormat(&text, "| a connection, in the client | %.2f KiB |\n",
                        found.client_connection_kib);
  absl::StrAppendFormat(&text, "| an object, in the server | %.2f KiB |\n", found.object_kib);
  absl::StrAppendFormat(&text,
                        "| context switches of a server with %d connections in %d s | %d |\n",
                        kIdle, kIdleSeconds, found.server_switches);
  absl::StrAppendFormat(&text,
                        "| and of the client's threads, but for the one that counts | %d |\n",
                        found.client_switches);
  absl::StrAppendFormat(
      &text,
      "\nConnecting, one call and going, again and again: %.1f us. A null call on another "
      "connection takes\n%.1f us at the median and %.1f us at p99; while a process does that, %.1f "
      "and %.1f us.\n\nEach figure in %.1f s.\n",
      found.connects.p50_us, found.calm.p50_us, found.calm.p99_us, found.storm.p50_us,
      found.storm.p99_us, seconds);
  return text;
}

absl::Status WriteData(const Findings& found, const std::string& data) {
  std::ofstream file(data);
  file << "# number, us of a call at so many connections, at so many objects\n";
  for (size_t i = 0; i < std::size(kNumbers); ++i) {
    file << kNumbers[i] << ' ' << found.connections_us[i] << ' ' << found.objects_us[i] << '\n';
  }
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", data));
}

}  // namespace

absl::StatusOr<std::string> ScaleReport(double seconds, const std::string& data) {
  RaiseDescriptorLimit();
  Findings* found = SharedFindings();
  char folder[] = "/tmp/drover-scale-XXXXXX";
  if (found == nullptr || mkdtemp(folder) == nullptr) {
    return absl::ResourceExhaustedError("no memory, or no folder, for the measurement");
  }
  const Place place = {AllowedCpus(), absl::StrCat("unix://", folder, "/socket"), found, seconds};
  absl::Status status;
  for (auto* measure : {&MeasureConnections, &MeasureConnectionMemory, &MeasureObjects}) {
    if (status.ok()) status = WithServer(place, [&] { return measure(place); });
  }
  if (status.ok()) status = MeasureStorm(place);
  for (size_t i = 0; i < std::size(kWorkers) && status.ok(); ++i) status = MeasureFleet(place, i);
  unlink(absl::StrCat(folder, "/socket").c_str());
  unlink(absl::StrCat(folder, "/socket.lock").c_str());
  rmdir(folder);
  if (status.ok() && !data.empty()) status = WriteData(*found, data);
  const std::string section = Section(*found, seconds);
  munmap(found, sizeof *found);
  if (!status.ok()) return status;
  return section;
}

}  // namespace drover::bench
