#include <signal.h>
#include <sys/wait.h>

#include <string>

#include "absl/status/status.h"
#include "fleet/test_worker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover::fleet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

RestartOptions Quick(int intensity) {
  return {.intensity = intensity,
          .initial_backoff = absl::Milliseconds(1),
          .max_backoff = absl::Milliseconds(1)};
}

TEST(FleetRestart, KilledWorkerIsReplacedAtTheSameEndpoint) {
  Fleet fleet = StartOrDie({.workers = 2});
  const pid_t first = PidAt(fleet.endpoints()[0]);
  const pid_t other = PidAt(fleet.endpoints()[1]);
  kill(first, SIGKILL);
  const pid_t second = PidAt(fleet.endpoints()[0]);
  EXPECT_NE(second, first);
  EXPECT_EQ(PidAt(fleet.endpoints()[1]), other);
  Until([&] { return fleet.status()[0].state == SlotState::kReady; });
  const SlotStatus slot = fleet.status()[0];
  EXPECT_EQ(slot.pid, second);
  EXPECT_EQ(slot.restarts, 1);
  EXPECT_EQ(slot.last_wait_status, SIGKILL);
  EXPECT_EQ(Ask(fleet.endpoints()[0], 'r'), "1");
}

TEST(FleetRestart, ClientsWaitInTheBacklogWhileAWorkerIsReplaced) {
  Fleet fleet = StartOrDie({});
  const pid_t first = PidAt(fleet.endpoints()[0]);
  kill(first, SIGSTOP);  // accepts no more, and being stopped is no failure
  std::vector<std::unique_ptr<transport::ByteStream>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(*transport::Dial(fleet.endpoints()[0]));
    SendText(*clients.back(), "p");
  }
  EXPECT_EQ(fleet.status()[0].state, SlotState::kReady);
  kill(first, SIGKILL);
  for (auto& client : clients) {
    const std::string answer = ReceiveText(*client);
    EXPECT_NE(answer, "");
    EXPECT_NE(answer, std::to_string(first));
  }
}

TEST(FleetRestart, EveryFailureIsAnsweredByARestart) {
  Fleet fleet = StartOrDie({.restart = Quick(100)});
  for (int i = 0; i < 20; ++i) Tell(fleet.endpoints()[0], '3');
  EXPECT_EQ(Ask(fleet.endpoints()[0], 'r'), "20");
  EXPECT_TRUE(fleet.Stop().ok());
}

TEST(FleetRestart, TransientWorkerThatIsDoneStaysDownAndItsClientsAreRefused) {
  Fleet fleet = StartOrDie({.workers = 2});
  Tell(fleet.endpoints()[0], '0');
  Until([&] { return fleet.status()[0].state == SlotState::kDown; });
  Until([&] { return Refused(fleet.endpoints()[0]); });
  EXPECT_EQ(fleet.status()[0].pid, 0);
  EXPECT_EQ(fleet.status()[0].last_wait_status, 0);
  EXPECT_GT(PidAt(fleet.endpoints()[1]), 0);
}

TEST(FleetRestart, FleetHasEndedWellWhenEveryWorkerIsDone) {
  Fleet fleet = StartOrDie({.workers = 3});
  for (const Endpoint& endpoint : fleet.endpoints()) Tell(endpoint, '0');
  EXPECT_EQ(fleet.Wait(), absl::OkStatus());
  EXPECT_EQ(fleet.Wait(), absl::OkStatus());
  for (const SlotStatus& slot : fleet.status()) EXPECT_EQ(slot.state, SlotState::kDown);
}

TEST(FleetRestart, PermanentWorkerComesBackFromExitZero) {
  Fleet fleet = StartOrDie({.restart = {.mode = RestartMode::kPermanent}});
  Tell(fleet.endpoints()[0], '0');
  EXPECT_EQ(Ask(fleet.endpoints()[0], 'r'), "1");
}

TEST(FleetRestart, TemporaryWorkerNeverComesBack) {
  Fleet fleet = StartOrDie({.restart = {.mode = RestartMode::kTemporary}});
  Tell(fleet.endpoints()[0], '4');
  const absl::Status status = fleet.Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("exited with code 4"));
}

TEST(FleetRestart, CrashLoopIsGivenUpNamingTheSlotAndTheLastExit) {
  Fleet fleet = StartOrDie({.restart = Quick(3)}, [](WorkerContext& context) {
    context.NotifyReady();
    return 7;
  });
  const absl::Status status = fleet.Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("slot 0"), HasSubstr(fleet.endpoints()[0].ToString()),
                    HasSubstr("after 3 restarts"), HasSubstr("exited with code 7")));
  EXPECT_EQ(fleet.status()[0].state, SlotState::kFailed);
  EXPECT_EQ(fleet.status()[0].restarts, 3);
}

TEST(FleetRestart, CrashLoopBySignalNamesTheSignal) {
  Fleet fleet = StartOrDie({.restart = Quick(0)});
  kill(PidAt(fleet.endpoints()[0]), SIGKILL);
  EXPECT_THAT(std::string(fleet.Wait().message()), HasSubstr("was killed by signal 9"));
}

TEST(FleetRestart, ExitCode125IsNotTriedAgain) {
  Fleet fleet = StartOrDie({.restart = {.mode = RestartMode::kPermanent}});
  Tell(fleet.endpoints()[0], 'q');
  const absl::Status status = fleet.Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("after 0 restarts"));
}

TEST(FleetRestart, OneSlotGivenUpLeavesTheOthersServing) {
  Fleet fleet = StartOrDie({.workers = 2, .restart = Quick(0)});
  Tell(fleet.endpoints()[1], '1');
  Until([&] { return fleet.status()[1].state == SlotState::kFailed; });
  Until([&] { return Refused(fleet.endpoints()[1]); });
  EXPECT_GT(PidAt(fleet.endpoints()[0]), 0);
  const absl::Status status = fleet.Stop();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("slot 1"));
}

// A worker that comes back but is never ready again is killed for it, and that counts.
TEST(FleetRestart, RestartThatIsNeverReadyCountsAsAFailure) {
  Fleet fleet = StartOrDie({.restart = Quick(2), .ready_timeout = absl::Seconds(1)},
                           [](WorkerContext& context) {
                             if (context.restarts() == 0) return ServeCommands(context);
                             for (;;) pause();
                           });
  Tell(fleet.endpoints()[0], '1');
  const absl::Status status = fleet.Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(fleet.status()[0].restarts, 2);
}

}  // namespace
}  // namespace drover::fleet
