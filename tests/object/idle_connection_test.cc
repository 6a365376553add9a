// A connection on which nothing happens costs no CPU.
#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

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

// Whether a thread of this process waits in epoll, and nothing but an event will wake it.
bool SomebodyWaitsForEventsAlone() {
  for (const std::string& thread : Threads()) {
    std::ifstream file("/proc/self/task/" + thread + "/syscall");
    long number;
    std::string fd, events, size, timeout;
    if (!(file >> number >> fd >> events >> size >> timeout)) continue;
    const bool waits = number == SYS_epoll_pwait
#ifdef SYS_epoll_wait
                       || number == SYS_epoll_wait
#endif
        ;
    if (waits && static_cast<int>(std::stoull(timeout, nullptr, 16)) == -1) return true;
  }
  return false;
}

// Server and clients share the thread that waits: neither has a timer left, nor asks for ticks.
TEST(IdleConnections, LeaveTheReactorWithoutAnythingToWakeFor) {
  const testing_support::TempDir folder;
  const std::string endpoint = "unix://" + folder.path() + "/socket";
  Limits limits;
  limits.handshake_timeout = absl::Hours(1);
  const Server server =
      Serve(endpoint, std::make_shared<Cook>(), ServerOptions{.limits = limits}).value();
  std::vector<CookProxy> proxies;
  for (int i = 0; i < 20; ++i) {
    proxies.push_back(Connect<CookProxy>(endpoint));
    ASSERT_EQ(proxies.back().Add(1, 2).value(), 3u);
  }
  Until(SomebodyWaitsForEventsAlone);
}

}  // namespace
}  // namespace drover
