// A fleet of more workers than a program needs: each is one of its own, and they cost the program
// no more than one does.
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "drover/base/sanitizer.h"
#include "fleet/test_worker.h"
#include "fleet_server/racetrack.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using ::testing::IsEmpty;
using testing_support::Racetrack;
using testing_support::TempDir;
using testing_support::Until;
using track::RunnerProxy;

#ifdef DROVER_SANITIZED
constexpr int kWorkers = 40;  // each takes many times as much
#else
constexpr int kWorkers = 200;
#endif

std::ptrdiff_t CountThreads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

class FleetOfManyWorkers : public ::testing::Test {
 protected:
  FleetOfManyWorkers() { setenv("TMPDIR", dir_.path().c_str(), 1); }
  ~FleetOfManyWorkers() override { unsetenv("TMPDIR"); }

  Fleet Start(int workers) {
    return track_.Start({.workers = workers, .ready_timeout = absl::Minutes(4)});
  }

  TempDir dir_;
  Racetrack track_;
};

// The process that answers at each endpoint, which says that it has the slot of that number.
std::vector<pid_t> PidsAt(const std::vector<RunnerProxy>& workers) {
  std::vector<pid_t> pids;
  const auto answers = All(Map(workers, &RunnerProxy::Async::Identify)).Get();
  for (const auto& answer : answers.value()) {
    EXPECT_EQ(answer.lane, pids.size());
    pids.push_back(answer.pid);
  }
  return pids;
}

std::vector<pid_t> PidsIn(const Fleet& fleet) {
  std::vector<pid_t> pids;
  for (const fleet::SlotStatus& slot : fleet.status()) pids.push_back(slot.pid);
  return pids;
}

TEST_F(FleetOfManyWorkers, AnswersAtEachEndpointFromAProcessOfItsOwn) {
  const Fleet fleet = Start(kWorkers);
  const std::vector<pid_t> pids = PidsAt(ConnectAll<RunnerProxy>(fleet.endpoints()));
  EXPECT_EQ(std::set<pid_t>(pids.begin(), pids.end()).size(), size_t{kWorkers});
  EXPECT_EQ(pids, PidsIn(fleet));
}

TEST_F(FleetOfManyWorkers, ReplacesTheOneThatWasKilledAlone) {
  constexpr int kKilled = kWorkers / 2;
  const Fleet fleet = Start(kWorkers);
  const auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  std::vector<pid_t> pids = PidsAt(workers);
  kill(pids[kKilled], SIGKILL);
  Until([&] {
    const auto successor = workers[kKilled].Identify();
    return successor.ok() && successor->pid != pids[kKilled];
  });
  const std::vector<pid_t> after = PidsAt(workers);
  EXPECT_NE(after[kKilled], pids[kKilled]);
  pids[kKilled] = after[kKilled];
  EXPECT_EQ(after, pids);
  const std::vector<fleet::SlotStatus> slots = fleet.status();
  for (int i = 0; i < kWorkers; ++i) EXPECT_EQ(slots[i].restarts, i == kKilled ? 1 : 0) << i;
}

TEST_F(FleetOfManyWorkers, CostsTheProgramNoThreadAndTheDescriptorsOfOneWorker) {
  EXPECT_EQ(Start(1).Stop(), absl::OkStatus());  // what is made once
  const auto threads = CountThreads();
  int with_one = 0;
  {
    const Fleet fleet = Start(1);
    with_one = fleet::CountDescriptors();
  }
  const Fleet fleet = Start(kWorkers);
  EXPECT_EQ(fleet::CountDescriptors(), with_one);
  EXPECT_EQ(CountThreads(), threads);
}

TEST_F(FleetOfManyWorkers, LeavesNothingWhenItHasStopped) {
  EXPECT_EQ(Start(1).Stop(), absl::OkStatus());  // what is made once
  const int before = fleet::CountDescriptors();
  {
    Fleet fleet = Start(kWorkers);
    const std::vector<pid_t> pids = PidsIn(fleet);
    EXPECT_EQ(fleet.Stop(), absl::OkStatus());
    for (const pid_t pid : pids) {
      EXPECT_EQ(kill(pid, 0), -1) << pid;
      EXPECT_EQ(errno, ESRCH);
    }
  }
  EXPECT_THAT(dir_.Names(), IsEmpty());
  EXPECT_EQ(fleet::CountDescriptors(), before);
}

}  // namespace
}  // namespace drover
