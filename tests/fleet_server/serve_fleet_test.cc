// Starting and stopping a served fleet, and what ServeFleet refuses.
#include <signal.h>
#include <sys/wait.h>

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "drover/base/sanitizer.h"
#include "fleet_server/racetrack.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using fleet::SlotState;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::ChildProcess;
using testing_support::Racetrack;
using testing_support::TempDir;
using track::RunnerProxy;

class ServedFleet : public ::testing::Test {
 protected:
  ServedFleet() { setenv("TMPDIR", dir_.path().c_str(), 1); }
  ~ServedFleet() override { unsetenv("TMPDIR"); }

  Fleet Start(const ServeFleetOptions& options) { return track_.Start(options); }

  TempDir dir_;
  Racetrack track_;
};

using testing_support::Until;

// Nobody accepts there any more, and nobody will.
bool Refuses(const Endpoint& endpoint) {
  return absl::IsUnavailable(Connect<RunnerProxy>(endpoint).Identify().status());
}

bool ExitedCleanly(const fleet::SlotStatus& slot) {
  return slot.state == SlotState::kDown && slot.restarts == 0 && slot.last_wait_status == 0;
}

TEST_F(ServedFleet, WorkerAnswersTheCallThatStopsItAndStaysDown) {
  Fleet fleet = Start({.workers = 2});
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  EXPECT_EQ(workers[0].Stop(), absl::OkStatus());
  Until([&] { return fleet.status()[0].pid == 0; });
  EXPECT_TRUE(ExitedCleanly(fleet.status()[0]));
  const absl::Status gone = workers[0].Identify().status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(gone.message()), HasSubstr(fleet.endpoints()[0].ToString()));
  EXPECT_TRUE(workers[1].Identify().ok());
}

TEST_F(ServedFleet, WaitReturnsOnceEveryWorkerHasStoppedItself) {
  Fleet fleet = Start({.workers = 3});
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  EXPECT_EQ(Broadcast(workers, &RunnerProxy::Async::Stop), absl::OkStatus());
  EXPECT_EQ(fleet.Wait(), absl::OkStatus());
  for (const fleet::SlotStatus& slot : fleet.status()) EXPECT_TRUE(ExitedCleanly(slot));
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(ServedFleet, WorkerThatStopsItselfEndsItsRunningCallsFirst) {
  Fleet fleet = Start({});
  auto worker = Connect<RunnerProxy>(fleet.endpoints()[0]);
  auto running = worker.async().Run();
  track_.AwaitStarts(1);
  EXPECT_EQ(worker.Stop(), absl::OkStatus());
  EXPECT_FALSE(running.ready());
  track_.Release(0);
  EXPECT_EQ(running.Get().value(), 0u);
  EXPECT_EQ(fleet.Wait(), absl::OkStatus());
  EXPECT_TRUE(ExitedCleanly(fleet.status()[0]));
}

TEST_F(ServedFleet, StopLetsRunningCallsEndWithinTheGrace) {
  Fleet fleet = Start({.workers = 2, .server = {.grace = absl::Hours(1)}});
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  auto answers = Map(workers, &RunnerProxy::Async::Run);
  track_.AwaitStarts(2);
  absl::Status stopped = absl::UnknownError("not stopped");
  std::thread stopper([&] { stopped = fleet.Stop(); });
  for (const Endpoint& endpoint : fleet.endpoints()) Until([&] { return Refuses(endpoint); });
  EXPECT_FALSE(answers[0].ready());
  track_.Release(0);
  track_.Release(1);
  EXPECT_EQ(answers[0].Get().value(), 0u);
  EXPECT_EQ(answers[1].Get().value(), 1u);
  stopper.join();
  EXPECT_EQ(stopped, absl::OkStatus());
  for (const fleet::SlotStatus& slot : fleet.status()) EXPECT_TRUE(ExitedCleanly(slot));
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(ServedFleet, StopEndsCallsThatOutlastTheGrace) {
  Fleet fleet = Start({.server = {.grace = absl::Milliseconds(20)}});
  auto answer = Connect<RunnerProxy>(fleet.endpoints()[0]).async().Run();
  track_.AwaitStarts(1);
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  EXPECT_EQ(answer.Get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(ExitedCleanly(fleet.status()[0]));
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(ServedFleet, SigtermToAWorkerDrainsItAndItStaysDown) {
  Fleet fleet = Start({.workers = 2});
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  auto running = workers[1].async().Run();
  track_.AwaitStarts(1);
  kill(track_[1].pid, SIGTERM);
  track_.Release(1);
  EXPECT_EQ(running.Get().value(), 1u);
  Until([&] { return fleet.status()[1].pid == 0; });
  EXPECT_TRUE(ExitedCleanly(fleet.status()[1]));
  EXPECT_TRUE(workers[0].Identify().ok());
}

TEST_F(ServedFleet, SigtermToTheSupervisorDrainsAllWorkers) {
  Fleet fleet = Start({.workers = 2});
  auto workers = ConnectAll<RunnerProxy>(fleet.endpoints());
  auto answers = Map(workers, &RunnerProxy::Async::Run);
  track_.AwaitStarts(2);
  kill(fleet.supervisor_pid(), SIGTERM);
  for (int i = 0; i < 2; ++i) track_.Release(i);
  for (auto& answer : answers) EXPECT_TRUE(answer.Get().ok());
  EXPECT_EQ(fleet.Wait(), absl::OkStatus());
  for (const fleet::SlotStatus& slot : fleet.status()) EXPECT_TRUE(ExitedCleanly(slot));
}

TEST_F(ServedFleet, DestroyingTheHandleStopsTheFleet) {
  RunnerProxy worker;
  {
    Fleet fleet = Start({});
    worker = Connect<RunnerProxy>(fleet.endpoints()[0]);
    EXPECT_TRUE(worker.Identify().ok());
  }
  EXPECT_EQ(worker.Identify().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(ServedFleet, StartFailsWithTheSlotThatGotNoServant) {
  const absl::Status status = ServeFleet({.workers = 3}, [&](int slot) {
                                return slot == 1 ? nullptr : track_.Servants()(slot);
                              }).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("slot 1"));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(ServedFleet, NoFactoryIsAnInvalidArgument) {
  EXPECT_EQ(ServeFleet({}, nullptr).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ServedFleet, RuntimeOfTheProgramIsAnInvalidArgument) {
  EXPECT_EQ(
      ServeFleet({.server = {.runtime = &Runtime::Default()}}, track_.Servants()).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(ServedFleet, EndpointInUseIsAlreadyExistsNamingIt) {
  Fleet first = Start({});
  const absl::Status status =
      ServeFleet({.endpoints = first.endpoints()}, track_.Servants()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("slot 0"), HasSubstr(first.endpoints()[0].path())));
}

TEST_F(ServedFleet, TwoFleetsLiveInOneProgramWhenBothStartFirst) {
  Fleet a = Start({}), b = Start({.workers = 2});
  EXPECT_EQ(Connect<RunnerProxy>(a.endpoints()[0]).Identify()->lane, 0u);
  EXPECT_EQ(Connect<RunnerProxy>(b.endpoints()[1]).Identify()->lane, 1u);
}

// Each in a process of its own, which has one thread until then.
class ProgramWithThreads : public ServedFleet {
 protected:
  // What ServeFleet says after `first` has run.
  void ExpectRefusedAfter(const std::function<void()>& first) {
    ChildProcess program([&] {
      first();
      const absl::Status status = ServeFleet({}, track_.Servants()).status();
      if (status.code() == absl::StatusCode::kFailedPrecondition &&
          absl::StrContains(std::string(status.message()), "threads")) {
        return 0;
      }
      std::cerr << status << std::endl;
      return 1;
    });
    EXPECT_EQ(program.Wait(), 0);
    EXPECT_THAT(dir_.Names(), IsEmpty());
  }
};

TEST_F(ProgramWithThreads, CannotServeAFleetAfterServe) {
  ExpectRefusedAfter([] {
    static auto server = Serve("inproc://before", std::make_shared<track::RunnerServant>());
    if (!server.ok()) abort();
  });
}

TEST_F(ProgramWithThreads, CannotServeAFleetAfterAConnectAndItsCall) {
#ifdef DROVER_TSAN
  GTEST_SKIP() << "ThreadSanitizer ends a child that starts threads if its parent had any";
#endif
  auto server = Serve("unix:@" + dir_.path(), std::make_shared<track::RunnerServant>());
  ASSERT_TRUE(server.ok());
  ExpectRefusedAfter([&] {
    static auto proxy = Connect<RunnerProxy>(server->endpoint());
    proxy.Stop().IgnoreError();  // Unimplemented
  });
}

TEST_F(ProgramWithThreads, CannotServeAFleetAfterAThreadOfItsOwn) {
  ExpectRefusedAfter([] {
    static std::thread thread([] {
      for (;;) pause();
    });
  });
}

TEST_F(ProgramWithThreads, CanServeAFleetAfterAConnectThatDidNotDialYet) {
  ChildProcess program([&] {
    auto proxy = Connect<RunnerProxy>("unix://" + dir_.path("worker"));
    absl::StatusOr<Fleet> fleet = ServeFleet(
        {.endpoints = {*Endpoint::Parse("unix://" + dir_.path("worker"))}}, track_.Servants());
    return fleet.ok() && proxy.Identify().ok() && fleet->Stop().ok() ? 0 : 1;
  });
  EXPECT_EQ(program.Wait(), 0);
}

TEST_F(ProgramWithThreads, CanServeAFleetAfterItsThreadsEnded) {
#ifdef DROVER_TSAN
  GTEST_SKIP() << "ThreadSanitizer ends a child that starts threads if its parent had any";
#endif
  ChildProcess program([&] {
    std::thread([] {}).join();
    absl::StatusOr<Fleet> fleet = ServeFleet({}, track_.Servants());
    return fleet.ok() && fleet->Stop().ok() ? 0 : 1;
  });
  EXPECT_EQ(program.Wait(), 0);
}

}  // namespace
}  // namespace drover
