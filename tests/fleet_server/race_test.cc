// What the worker race promises: all workers calculate at once, answers come in the order of
// finishing, one worker's death harms only its own caller, and nothing is left at the end.
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fleet_server/racetrack.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::ChildProcess;
using testing_support::Pipe;
using testing_support::Racetrack;
using testing_support::TempDir;
using track::RunnerProxy;

constexpr int kWorkers = 10;

// Every test over each transport that a fleet can have.
class WorkerRace : public ::testing::TestWithParam<std::string> {
 protected:
  WorkerRace() {
    setenv("TMPDIR", dir_.path().c_str(), 1);  // where the fleet puts its sockets
  }
  ~WorkerRace() override { unsetenv("TMPDIR"); }

  ServeFleetOptions Options(int workers) {
    ServeFleetOptions options{.workers = workers};
    if (GetParam() == "tcp") options.endpoints = {*Endpoint::Parse("tcp://127.0.0.1:0")};
    return options;
  }
  Fleet Start(int workers) { return track_.Start(Options(workers)); }

  TempDir dir_;
  Racetrack track_;
};

INSTANTIATE_TEST_SUITE_P(Over, WorkerRace, ::testing::Values("unix", "tcp"),
                         [](const auto& info) { return info.param; });

std::vector<pid_t> PidsOf(const Fleet& fleet) {
  std::vector<pid_t> pids = {fleet.supervisor_pid()};
  for (const fleet::SlotStatus& slot : fleet.status()) pids.push_back(slot.pid);
  return pids;
}

// ESRCH only when it has ended and was reaped.
int ProbeProcess(pid_t pid) { return kill(pid, 0) == 0 ? 0 : errno; }

std::vector<int> ProbeProcesses(const std::vector<pid_t>& pids) {
  std::vector<int> errors;
  for (const pid_t pid : pids) errors.push_back(ProbeProcess(pid));
  return errors;
}

// How many children were reaped until there were none; `last` is the status of the last.
int ReapAll(int* last) {
  int reaped = 0;
  while (waitpid(-1, last, 0) > 0 || errno == EINTR) ++reaped;
  return reaped;
}

TEST_P(WorkerRace, AllWorkersHaveStartedBeforeTheFirstFinishes) {
  Fleet fleet = Start(kWorkers);
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  auto answers = Map(workers, &RunnerProxy::Async::Run);
  track_.AwaitStarts(kWorkers);  // would wait for ever if one call waited for another
  for (int i = 0; i < kWorkers; ++i) track_.Release(i);
  for (const auto& [i, lane] : AsCompleted(std::move(answers))) EXPECT_EQ(lane.value(), i);

  int64_t last_start = 0, first_finish = std::numeric_limits<int64_t>::max();
  std::set<pid_t> pids;
  for (int i = 0; i < kWorkers; ++i) {
    ASSERT_NE(track_[i].started, 0);
    last_start = std::max<int64_t>(last_start, track_[i].started);
    first_finish = std::min<int64_t>(first_finish, track_[i].finished);
    pids.insert(track_[i].pid);
  }
  EXPECT_LT(last_start, first_finish);
  EXPECT_EQ(pids.size(), kWorkers);
}

TEST_P(WorkerRace, EachAnswerComesAsItsWorkerFinishesWhileTheOthersRun) {
  Fleet fleet = Start(kWorkers);
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  AsCompleted answers(Map(workers, &RunnerProxy::Async::Run));
  track_.AwaitStarts(kWorkers);
  for (const int i : {3, 9, 0, 7, 1, 8, 2, 6, 4, 5}) {
    track_.Release(i);
    auto answer = answers.Next();
    EXPECT_EQ(answer->index, i);
    EXPECT_EQ(answer->result.value(), i);
  }
  EXPECT_FALSE(answers.Next().has_value());
}

TEST_P(WorkerRace, LeavesNoProcessNoZombieAndNoFileWhenItEnds) {
  Fleet fleet = Start(kWorkers);
  const std::vector<pid_t> pids = PidsOf(fleet);
  EXPECT_THAT(ProbeProcesses(pids), Each(0));
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  for (int i = 0; i < kWorkers; ++i) track_.Release(i);
  for (const auto& [i, lane] : AsCompleted(Map(workers, &RunnerProxy::Async::Run))) {
    EXPECT_EQ(lane.value(), i);
  }
  EXPECT_EQ(Broadcast(workers, &RunnerProxy::Async::Stop), absl::OkStatus());
  EXPECT_EQ(fleet.Wait(), absl::OkStatus());

  EXPECT_THAT(ProbeProcesses(pids), Each(ESRCH));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_P(WorkerRace, LeavesNothingWhenItsHostIsKilledInMidRace) {
  // Orphans become this process's children, so that none can escape the count.
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  Pipe pids;
  ChildProcess host([&] {
    Fleet fleet = Start(kWorkers);
    fcntl(pids.writer(), F_SETFD, FD_CLOEXEC);
    for (const pid_t pid : PidsOf(fleet)) pids.Send(std::to_string(pid));
    auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
    for (const auto& [i, lane] : AsCompleted(Map(workers, &RunnerProxy::Async::Run))) {
      (void)i;  // nobody is released: never comes here
    }
    return 0;
  });
  std::vector<pid_t> started;
  for (int i = 0; i <= kWorkers; ++i) started.push_back(std::stoi(pids.Receive()));
  track_.AwaitStarts(kWorkers);
  EXPECT_EQ(host.Kill(SIGKILL), SIGKILL);

  int status = 0;
  EXPECT_EQ(ReapAll(&status), 1) << "the supervisor, which reaped its workers itself";
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_THAT(ProbeProcesses(started), Each(ESRCH));
  EXPECT_THAT(dir_.Names(), IsEmpty());
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_P(WorkerRace, KilledWorkerFailsItsCallerAtOnceAndNobodyElse) {
  Fleet fleet = Start(kWorkers);
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  AsCompleted answers(Map(workers, &RunnerProxy::Async::Run));
  track_.AwaitStarts(kWorkers);
  kill(track_[4].pid, SIGKILL);

  auto first = answers.Next();
  EXPECT_EQ(first->index, 4u);
  EXPECT_EQ(first->result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(first->result.status().message()),
              HasSubstr(fleet.endpoints()[4].ToString()));

  for (int i = 0; i < kWorkers; ++i) {
    if (i != 4) track_.Release(i);
  }
  std::set<uint32_t> finished;
  while (auto answer = answers.Next()) finished.insert(answer->result.value());
  EXPECT_EQ(finished, (std::set<uint32_t>{0, 1, 2, 3, 5, 6, 7, 8, 9}));
}

TEST_P(WorkerRace, KilledWorkersSuccessorAnswersTheNextCallOnTheSameProxy) {
  Fleet fleet = Start(2);
  const std::vector<Endpoint> endpoints = fleet.endpoints();
  auto workers = ConnectAll<RunnerProxy>(endpoints);
  auto answer = workers[1].async().Run();
  track_.AwaitStarts(1);
  const pid_t killed = track_[1].pid;
  kill(killed, SIGKILL);
  EXPECT_EQ(answer.Get().status().code(), absl::StatusCode::kUnavailable);

  auto successor = workers[1].Identify();
  ASSERT_TRUE(successor.ok()) << successor.status();
  EXPECT_EQ(successor->lane, 1u);
  EXPECT_NE(successor->pid, killed);
  EXPECT_EQ(fleet.endpoints(), endpoints);
  EXPECT_EQ(fleet.status()[1].restarts, 1);
  EXPECT_EQ(fleet.status()[0].restarts, 0);
  track_.Release(1);
  EXPECT_EQ(workers[1].Run().value(), 1u);
}

TEST_P(WorkerRace, CallMadeBeforeTheSuccessorIsUpWaitsForIt) {
  ServeFleetOptions options = Options(1);
  options.restart.initial_backoff = absl::Milliseconds(1);
  sem_t* const hold = &track_[1].go;  // of a lane without a worker
  std::atomic<pid_t>& seen = track_[1].pid;
  auto fleet = ServeFleet(options, [&](int slot) {
    if (seen.exchange(getpid()) != 0) sem_wait(hold);  // a successor, which is late
    return track_.Servants()(slot);
  });
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  auto worker = Connect<RunnerProxy>(fleet->endpoints()[0]);
  auto lost = worker.async().Run();
  track_.AwaitStarts(1);
  const pid_t first = seen;
  kill(first, SIGKILL);
  EXPECT_EQ(lost.Get().status().code(), absl::StatusCode::kUnavailable);
  testing_support::Until([&] { return seen != first; });  // its successor is there, and not serving
  auto waiting = worker.async().Identify();
  EXPECT_FALSE(waiting.ready());
  sem_post(hold);
  const auto second = waiting.Get();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->pid, first);
}

}  // namespace
}  // namespace drover
