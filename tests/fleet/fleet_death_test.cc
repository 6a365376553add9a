// Who dies, by kill -9, and what must be gone afterwards. A pipe that the supervisor and every
// worker keep open tells when the last of them is gone: its end of file.
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <string>
#include <thread>

#include "absl/status/status.h"
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
using testing_support::ChildProcess;
using testing_support::Pipe;
using testing_support::TempDir;

class FleetDeath : public ::testing::Test {
 protected:
  FleetOptions Options(int workers) {
    FleetOptions options{.workers = workers, .keep_fds = {alive_.writer()}};
    for (int i = 0; i < workers; ++i) {
      options.endpoints.push_back(*Endpoint::Parse("unix://" + dir_.path(std::to_string(i))));
    }
    return options;
  }

  // A host in a process of its own, which starts a fleet and goes on with `then`.
  std::unique_ptr<ChildProcess> Host(const FleetOptions& options, std::function<int(Fleet&)> then,
                                     WorkerMain worker = TestWorker()) {
    auto host = std::make_unique<ChildProcess>([&] {
      Fleet fleet = StartOrDie(options, worker);
      fcntl(alive_.writer(), F_SETFD, FD_CLOEXEC);
      up_.Send("up");
      return then(fleet);
    });
    EXPECT_EQ(up_.Receive(), "up");
    alive_.CloseWriter();
    return host;
  }

  TempDir dir_;
  Pipe alive_, up_;
};

int PauseForever(Fleet&) {
  for (;;) pause();
}

TEST_F(FleetDeath, NothingIsLeftWhenTheHostIsKilled) {
  auto host = Host(Options(5), PauseForever);
  EXPECT_EQ(dir_.Names().size(), 10u);
  host->Kill(SIGKILL);
  EXPECT_EQ(alive_.Receive(), "EOF");
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(FleetDeath, AnOrphanedFleetIsAskedFirstAndKilledAfterAShortGrace) {
  FleetOptions options = Options(2);
  options.grace = absl::Hours(1);
  options.orphan_grace = absl::Seconds(1);
  options.keep_fds.push_back(up_.writer());
  auto host = Host(options, PauseForever, [&](WorkerContext& context) {
    context.NotifyReady();
    pollfd stop{.fd = context.stop_fd(), .events = POLLIN, .revents = 0};
    while (poll(&stop, 1, -1) != 1) {
    }
    up_.Send("asked");
    for (;;) pause();  // and is too slow
    return 0;
  });
  host->Kill(SIGKILL);
  EXPECT_EQ(up_.Receive(), "asked");
  EXPECT_EQ(alive_.Receive(), "EOF");
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(FleetDeath, TheHostsDefaultDirectoryGoesWithIt) {
  FleetOptions options = Options(0);
  options.workers = 2;
  auto host = Host(options, [&](Fleet& fleet) {
    up_.Send(DirectoryOf(fleet.endpoints()[0]));
    return PauseForever(fleet);
  });
  const std::string directory = up_.Receive();
  EXPECT_TRUE(std::filesystem::exists(directory));
  host->Kill(SIGKILL);
  EXPECT_EQ(alive_.Receive(), "EOF");
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(FleetDeath, AnotherChildOfTheHostDoesNotKeepItsFleetAlive) {
  pid_t sibling = 0;
  auto host = Host(Options(2), [&](Fleet& fleet) {
    sibling = fork();  // holds copies of every descriptor of the host
    if (sibling == 0) {
      alive_.CloseWriter();
      return PauseForever(fleet);
    }
    up_.Send(std::to_string(sibling));
    return PauseForever(fleet);
  });
  sibling = std::stoi(up_.Receive());
  host->Kill(SIGKILL);
  EXPECT_EQ(alive_.Receive(), "EOF");
  kill(sibling, SIGKILL);
}

TEST_F(FleetDeath, KilledSupervisorTakesItsWorkersAlongAndWaitNamesTheSignal) {
  FleetOptions options = Options(3);
  Fleet fleet = StartOrDie(options);
  alive_.CloseWriter();
  kill(fleet.supervisor_pid(), SIGKILL);
  const absl::Status status = fleet.Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("supervisor"), HasSubstr("killed by signal 9")));
  EXPECT_EQ(alive_.Receive(), "EOF");
  EXPECT_THAT(dir_.Names(), IsEmpty());
  EXPECT_EQ(fleet.Stop(), status);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(FleetDeath, KilledSupervisorLeavesNoDefaultDirectory) {
  Fleet fleet = StartOrDie({.workers = 2});
  const std::string directory = DirectoryOf(fleet.endpoints()[0]);
  kill(fleet.supervisor_pid(), SIGKILL);
  EXPECT_EQ(fleet.Wait().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(FleetDeath, SupervisorKilledWhileStartingIsUnavailable) {
  const absl::Status status = Fleet::Start(Options(1), [](WorkerContext&) {
                                kill(getppid(), SIGKILL);
                                for (;;) pause();
                                return 0;
                              }).status();
  alive_.CloseWriter();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(alive_.Receive(), "EOF");
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(FleetDeath, HostThatDiesInTheMiddleOfStartLeavesNothing) {
  FleetOptions options = Options(2);
  options.keep_fds.push_back(up_.writer());
  ChildProcess host([&] {
    Fleet::Start(options,
                 [&](WorkerContext& context) {
                   up_.Send("forked");
                   pollfd stop{.fd = context.stop_fd(), .events = POLLIN, .revents = 0};
                   while (poll(&stop, 1, -1) != 1) {
                   }
                   return 0;  // never ready
                 })
        .status()
        .IgnoreError();  // never returns
    return 1;
  });
  alive_.CloseWriter();
  EXPECT_EQ(up_.Receive(), "forked");
  host.Kill(SIGKILL);
  EXPECT_EQ(alive_.Receive(), "EOF");
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

// The host neither needs a SIGCHLD handler nor minds one that reaps everything.
int WaitsForAStoppedFleet(Fleet& fleet) {
  const pid_t first = PidAt(fleet.endpoints()[0]);
  kill(first, SIGKILL);
  if (PidAt(fleet.endpoints()[0]) == first) return 1;
  kill(fleet.supervisor_pid(), SIGTERM);
  return fleet.Wait().ok() ? 0 : 2;
}

int WaitsForAKilledFleet(Fleet& fleet) {
  kill(fleet.supervisor_pid(), SIGKILL);
  return fleet.Wait().code() == absl::StatusCode::kUnavailable ? 0 : 2;
}

TEST_F(FleetDeath, HostThatIgnoresSigchldLearnsTheResult) {
  for (auto* then : {WaitsForAStoppedFleet, WaitsForAKilledFleet}) {
    ChildProcess host([&] {
      signal(SIGCHLD, SIG_IGN);
      Fleet fleet = StartOrDie(Options(2));
      return then(fleet);
    });
    EXPECT_EQ(host.Wait(), 0);
    EXPECT_THAT(dir_.Names(), IsEmpty());
  }
}

TEST_F(FleetDeath, HostThatReapsEverythingLearnsTheResult) {
  for (auto* then : {WaitsForAStoppedFleet, WaitsForAKilledFleet}) {
    ChildProcess host([&] {
      signal(SIGCHLD, [](int) {
        const int saved = errno;
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        errno = saved;
      });
      Fleet fleet = StartOrDie(Options(2));
      return then(fleet);
    });
    EXPECT_EQ(host.Wait(), 0);
    EXPECT_THAT(dir_.Names(), IsEmpty());
  }
}

bool HasHandler(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

TEST_F(FleetDeath, SignalsToAWaitingHostStopItsFleet) {
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    ChildProcess host([&] {
      Fleet fleet = StartOrDie({.workers = 2});
      std::thread announcer([&] {
        Until([&] { return HasHandler(signal); });
        up_.Send("waiting");
      });
      const absl::Status status = fleet.Wait();
      announcer.join();
      return status.ok() && !HasHandler(signal) ? 0 : 1;
    });
    EXPECT_EQ(up_.Receive(), "waiting");
    kill(host.pid(), signal);
    EXPECT_EQ(host.Wait(), 0) << signal;
  }
}

std::atomic<int> seen{0};

TEST_F(FleetDeath, SignalsThatTheHostHandlesStayItsOwn) {
  ChildProcess host([&] {
    signal(SIGTERM, [](int) { seen = 1; });
    signal(SIGHUP, SIG_IGN);
    Fleet fleet = StartOrDie({});
    std::thread stopper([&] {
      Until([] { return HasHandler(SIGINT); });
      kill(getpid(), SIGTERM);
      kill(getpid(), SIGHUP);
      Until([] { return seen == 1; });
      if (PidAt(fleet.endpoints()[0]) > 0) kill(getpid(), SIGINT);
    });
    const absl::Status status = fleet.Wait();
    stopper.join();
    struct sigaction action {};
    sigaction(SIGHUP, nullptr, &action);
    return status.ok() && HasHandler(SIGTERM) && action.sa_handler == SIG_IGN ? 0 : 1;
  });
  EXPECT_EQ(host.Wait(), 0);
}

}  // namespace
}  // namespace drover::fleet
