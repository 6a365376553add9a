// A connection on which nothing happens costs no CPU.
#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "drover/async/runtime.h"
#include "drover/base/sanitizer.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/cook.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using testing_support::Cook;
using testing_support::Until;

std::vector<std::string> Threads() {
  std::vector<std::string> threads;
  DIR* tasks = opendir("/proc/self/task");
  while (const dirent* task = readdir(tasks)) {
    if (task->d_name[0] != '.') threads.push_back(task->d_name);
  }
  closedir(tasks);
  return threads;
}

// Empty if the thread has ended.
std::string NameOf(const std::string& thread) {
  std::ifstream file("/proc/self/task/" + thread + "/comm");
  std::string name;
  file >> name;
  return name;
}

// How a thread of this process sleeps.
enum class Sleeps {
  kUntilAnEvent,  // in epoll, without a limit
  kUntilWoken,    // in a futex, without a limit
  kForAWhile,     // in a futex, with one
  kInAnotherWay,  // or not at all
};

Sleeps SleepOf(const std::string& thread) {
  std::ifstream file("/proc/self/task/" + thread + "/syscall");
  long number;
  std::array<std::string, 4> arguments;  // both calls have their limit in the fourth
  if (!(file >> number)) return Sleeps::kInAnotherWay;
  for (std::string& argument : arguments) {
    if (!(file >> argument)) return Sleeps::kInAnotherWay;
  }
  const uint64_t limit = std::stoull(arguments.back(), nullptr, 16);
  if (number == SYS_futex) return limit == 0 ? Sleeps::kUntilWoken : Sleeps::kForAWhile;
  const bool in_epoll = number == SYS_epoll_pwait
#ifdef SYS_epoll_wait
                        || number == SYS_epoll_wait
#endif
      ;
  return in_epoll && static_cast<int>(limit) == -1 ? Sleeps::kUntilAnEvent : Sleeps::kInAnotherWay;
}

// How a thread sleeps that nothing but others will wake.
#ifdef DROVER_TSAN
constexpr Sleeps kForGood = Sleeps::kForAWhile;  // where it looks at signals (base/mutex.cc)
#else
constexpr Sleeps kForGood = Sleeps::kUntilWoken;
#endif

// Whether so many runtimes of this process, of which some have run calls, have nothing to wake for:
// one thread of each waits in epoll, and neither they nor the monitors will wake by themselves. The
// rest of the threads are those of the pool that have nothing to do, and end after a while.
bool NothingWakes(int runtimes) {
  int in_epoll = 0;
  int monitors = 0;
  for (const std::string& thread : Threads()) {
    const std::string name = NameOf(thread);
    if (!name.starts_with("drover-")) continue;
    const Sleeps sleeps = SleepOf(thread);
    if (sleeps == Sleeps::kInAnotherWay) return false;
    if (name == "drover-monitor") {
      if (sleeps != kForGood) return false;
      ++monitors;
    }
    in_epoll += sleeps == Sleeps::kUntilAnEvent;
  }
  return in_epoll == runtimes && monitors > 0;
}

class IdleConnections : public testing::TestWithParam<bool> {};

// After as many calls as make threads stay with a connection, and make it go over to shared memory
// where it may.
TEST_P(IdleConnections, LeaveNoThreadAnythingToWakeFor) {
  constexpr int kConnections = 20;
  constexpr uint32_t kCalls = 500;
  const bool shared_memory = GetParam();
  const testing_support::TempDir folder;
  Limits limits;
  limits.handshake_timeout = absl::Hours(1);
  Runtime servers, clients;
  const Server server =
      Serve("unix://" + folder.path("socket"), std::make_shared<Cook>(),
            ServerOptions{.runtime = &servers, .limits = limits, .shared_memory = shared_memory})
          .value();
  std::vector<CookProxy> proxies;
  for (int i = 0; i < kConnections; ++i) {
    proxies.push_back(Connect<CookProxy>(server.endpoint(), {.runtime = &clients}));
    for (uint32_t n = 0; n < kCalls; ++n) ASSERT_EQ(proxies.back().Add(n, 1).value(), n + 1);
  }
  Until([&] {  // they go over where the server's threads find the time
    const std::vector<ConnectionStats> connections = server.Stats().connections;
    return std::ranges::count(connections, true, &ConnectionStats::shares_memory) ==
           (shared_memory ? kConnections : 0);
  });
  Until([] { return NothingWakes(/*runtimes=*/2); });
}

INSTANTIATE_TEST_SUITE_P(Over, IdleConnections, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& info) {
                           return info.param ? "SharedMemory" : "Socket";
                         });

}  // namespace
}  // namespace drover
