#include <signal.h>
#include <sys/wait.h>

#include <set>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "drover/transport/listener.h"
#include "fleet/test_worker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

namespace drover::fleet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::Pipe;
using testing_support::TempDir;

absl::Status StartError(const FleetOptions& options, WorkerMain worker = TestWorker()) {
  return Fleet::Start(options, std::move(worker)).status();
}

bool NoChildIsLeft() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

TEST(Fleet, StartReturnsWhenEveryWorkerIsReady) {
  Fleet fleet = StartOrDie({.workers = 4});
  std::set<pid_t> pids;
  ASSERT_EQ(fleet.endpoints().size(), 4u);
  for (int i = 0; i < 4; ++i) {
    const SlotStatus slot = fleet.status()[i];
    EXPECT_EQ(slot.state, SlotState::kReady);
    EXPECT_EQ(slot.restarts, 0);
    EXPECT_EQ(PidAt(fleet.endpoints()[i]), slot.pid);
    pids.insert(slot.pid);
  }
  EXPECT_EQ(pids.size(), 4u);
  EXPECT_EQ(pids.count(getpid()), 0u);
}

TEST(Fleet, StopLeavesNoProcessNoZombieAndNoFile) {
  Fleet fleet = StartOrDie({.workers = 3});
  const std::string directory = DirectoryOf(fleet.endpoints()[0]);
  EXPECT_TRUE(std::filesystem::exists(directory));
  const std::vector<SlotStatus> slots = fleet.status();
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  for (const SlotStatus& slot : slots) EXPECT_EQ(kill(slot.pid, 0), -1);
  EXPECT_TRUE(NoChildIsLeft());
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  for (const SlotStatus& slot : fleet.status()) {
    EXPECT_EQ(slot.state, SlotState::kDown);
    EXPECT_EQ(slot.last_wait_status, 0);  // each ended by its own return
  }
}

TEST(Fleet, DestructorStopsAndWaits) {
  std::string directory;
  {
    Fleet fleet = StartOrDie({.workers = 2});
    directory = DirectoryOf(fleet.endpoints()[0]);
    Fleet moved = std::move(fleet);
    EXPECT_GT(PidAt(moved.endpoints()[1]), 0);
  }
  EXPECT_TRUE(NoChildIsLeft());
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST(Fleet, DefaultDirectoryLetsNobodyElseIn) {
  Fleet fleet = StartOrDie({});
  const auto mode = std::filesystem::status(DirectoryOf(fleet.endpoints()[0])).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_all);
}

TEST(Fleet, OneTcpEndpointGivesEachWorkerAPort) {
  Fleet fleet =
      StartOrDie({.workers = 3, .endpoints = {*Endpoint::Parse("tcp://127.0.0.1:0#clock")}});
  std::set<Endpoint, bool (*)(const Endpoint&, const Endpoint&)> ports(
      [](const Endpoint& a, const Endpoint& b) { return a.port() < b.port(); });
  for (const Endpoint& endpoint : fleet.endpoints()) {
    EXPECT_NE(endpoint.port(), 0);
    EXPECT_EQ(endpoint.name(), "clock");
    ports.insert(endpoint);
    EXPECT_GT(PidAt(endpoint), 0);
  }
  EXPECT_EQ(ports.size(), 3u);
}

TEST(Fleet, ListensWhereItIsToldAndRemovesItsFiles) {
  TempDir dir;
  const std::vector<Endpoint> endpoints = {*Endpoint::Parse("unix://" + dir.path("a")),
                                           *Endpoint::Parse("unix://" + dir.path("b"))};
  Fleet fleet = StartOrDie({.workers = 2, .endpoints = endpoints});
  EXPECT_EQ(fleet.endpoints(), endpoints);
  kill(PidAt(endpoints[0]), SIGKILL);
  EXPECT_GT(PidAt(endpoints[0]), 0);
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  EXPECT_THAT(dir.Names(), IsEmpty());
}

TEST(Fleet, TakesAnInheritedListener) {
  auto listener = *transport::Listener::Listen(*Endpoint::Parse("tcp://127.0.0.1:0"));
  const Endpoint where = listener->endpoint();
  const int inherited = dup(listener->fd());
  listener.reset();
  Fleet fleet = StartOrDie({.endpoints = {*Endpoint::Parse("fd:" + std::to_string(inherited))}});
  EXPECT_EQ(fleet.endpoints()[0], where);
  EXPECT_GT(PidAt(where), 0);
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  EXPECT_TRUE(Refused(where));  // the program keeps no copy open
}

TEST(Fleet, TwoFleetsLiveSideBySide) {
  Fleet a = StartOrDie({.workers = 2});
  Fleet b = StartOrDie({.workers = 2});
  const pid_t pid = PidAt(b.endpoints()[1]);
  EXPECT_EQ(a.Stop(), absl::OkStatus());
  EXPECT_EQ(PidAt(b.endpoints()[1]), pid);
  EXPECT_EQ(b.Stop(), absl::OkStatus());
}

TEST(Fleet, StartFailsWithThreadsSayingHowMany) {
  Pipe go;
  std::thread thread([&] { go.Receive(); });
  const absl::Status status = StartError({});
  go.Send("go");
  thread.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("2 threads"));
  EXPECT_TRUE(NoChildIsLeft());
  EXPECT_EQ(StartOrDie({}).Stop(), absl::OkStatus());  // and works again without
}

TEST(Fleet, StartFailsWhenAWorkerEndsBeforeItIsReady) {
  const absl::Status status = StartError({.workers = 3}, [](WorkerContext& context) {
    return context.slot() == 1 ? 9 : ServeCommands(context);
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("slot 1"), HasSubstr("exited with code 9"), HasSubstr("ready")));
  EXPECT_TRUE(NoChildIsLeft());
}

TEST(Fleet, StartFailsWhenAWorkerIsNotReadyInTime) {
  const absl::Status status = StartError({.workers = 2, .ready_timeout = absl::Milliseconds(200)},
                                         [](WorkerContext& context) {
                                           if (context.slot() == 1) return ServeCommands(context);
                                           for (;;) pause();
                                         });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("slot 0"));
  EXPECT_TRUE(NoChildIsLeft());
}

TEST(Fleet, StartFailsWhereAnotherServerListens) {
  TempDir dir;
  const Endpoint taken = *Endpoint::Parse("unix://" + dir.path("taken"));
  const Endpoint free = *Endpoint::Parse("unix://" + dir.path("free"));
  auto listener = *transport::Listener::Listen(taken);
  const absl::Status status = StartError({.workers = 2, .endpoints = {free, taken}});
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("slot 1"), HasSubstr(taken.path())));
  EXPECT_THAT(dir.Names(), ::testing::ElementsAre("taken", "taken.lock"));
  EXPECT_TRUE(transport::Dial(taken).ok());
}

TEST(Fleet, RefusesOptionsOutOfRangeNamingThem) {
  auto error = [](const FleetOptions& options) {
    const absl::Status status = StartError(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  const Endpoint path = *Endpoint::Parse("unix:///tmp/x");
  EXPECT_THAT(error({.workers = 0}), HasSubstr("workers"));
  EXPECT_THAT(error({.workers = 10001}), HasSubstr("workers"));
  EXPECT_THAT(error({.workers = 2, .endpoints = {path}}), HasSubstr("endpoints has 1"));
  EXPECT_THAT(error({.workers = 2, .endpoints = {path, path}}), HasSubstr("twice"));
  EXPECT_THAT(error({.endpoints = {*Endpoint::Parse("inproc://x")}}), HasSubstr("inproc"));
  EXPECT_THAT(error({.restart = {.intensity = -1}}), HasSubstr("intensity"));
  EXPECT_THAT(error({.ready_timeout = absl::ZeroDuration()}), HasSubstr("ready_timeout"));
  EXPECT_THAT(error({.grace = absl::Seconds(-1)}), HasSubstr("grace"));
}

TEST(Fleet, DocumentedDefaultsAreTheRealOnes) {
  const FleetOptions options;
  EXPECT_EQ(options.workers, 1);
  EXPECT_THAT(options.endpoints, IsEmpty());
  EXPECT_EQ(options.ready_timeout, absl::Seconds(30));
  EXPECT_EQ(options.grace, absl::Seconds(10));
  EXPECT_EQ(options.orphan_grace, absl::Seconds(1));
  EXPECT_TRUE(options.forward_signals);
}

TEST(Fleet, WorkerThatIgnoresTheRequestIsKilledAfterTheGrace) {
  Fleet fleet = StartOrDie({.grace = absl::Milliseconds(50)}, [](WorkerContext& context) {
    signal(SIGTERM, SIG_IGN);
    context.NotifyReady();
    for (;;) pause();
    return 0;
  });
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  EXPECT_EQ(fleet.status()[0].last_wait_status, SIGKILL);
}

TEST(Fleet, StoppedWorkerIsKilledAfterTheGrace) {
  Fleet fleet = StartOrDie({.grace = absl::Milliseconds(50)});
  kill(fleet.status()[0].pid, SIGSTOP);
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  EXPECT_EQ(fleet.status()[0].last_wait_status, SIGKILL);
}

TEST(Fleet, WorkerMayFinishItsWorkDuringTheGrace) {
  Pipe events;
  Fleet fleet =
      StartOrDie({.keep_fds = {events.writer(), events.reader()}}, [&](WorkerContext& context) {
        context.NotifyReady();
        pollfd stop{.fd = context.stop_fd(), .events = POLLIN, .revents = 0};
        while (poll(&stop, 1, -1) != 1) {
        }
        events.Send("asked to stop");
        return 0;
      });
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  EXPECT_EQ(events.Receive(), "asked to stop");
  EXPECT_EQ(fleet.status()[0].last_wait_status, 0);
}

TEST(Fleet, SupervisorStopsTheFleetOnTermIntAndQuit) {
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    Fleet fleet = StartOrDie({.workers = 2});
    kill(fleet.supervisor_pid(), signal);
    EXPECT_EQ(fleet.Wait(), absl::OkStatus()) << signal;
  }
}

TEST(Fleet, SupervisorSurvivesSignalsThatMeanNothingYet) {
  Fleet fleet = StartOrDie({});
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGWINCH, SIGPIPE}) {
    kill(fleet.supervisor_pid(), signal);
  }
  EXPECT_GT(PidAt(fleet.endpoints()[0]), 0);
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
}

TEST(Fleet, ForkedChildsCopyOfTheHandleDoesNothing) {
  auto fleet = std::make_unique<Fleet>(StartOrDie({}));
  testing_support::ChildProcess child([&] {
    if (fleet->Wait().code() != absl::StatusCode::kFailedPrecondition) return 1;
    if (fleet->Stop().code() != absl::StatusCode::kFailedPrecondition) return 2;
    fleet.reset();
    return 0;
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_GT(PidAt(fleet->endpoints()[0]), 0);
}

TEST(Fleet, ManyThreadsMayWaitWhileOneStops) {
  Fleet fleet = StartOrDie({.workers = 2});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(fleet.Wait(), absl::OkStatus()); });
  }
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace drover::fleet
