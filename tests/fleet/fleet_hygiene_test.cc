// What a worker inherits, and what it must not.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "fleet/test_worker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"

namespace drover::fleet {
namespace {

using testing_support::ChildProcess;
using testing_support::Pipe;

TEST(WorkerProcess, HasNoDescriptorThatIsNotItsOwn) {
  Pipe leaked;
  fcntl(leaked.writer(), F_SETFD, 0);
  Fleet fleet = StartOrDie({.workers = 3});
  // Listener, its lock, both ends of the stop pipe, the one whose end of file tells of death, and
  // those by which it knows supervisor and host (base/trusted_processes.h).
  for (const Endpoint& endpoint : fleet.endpoints()) EXPECT_EQ(Ask(endpoint, 'f'), "7");
  kill(fleet.status()[1].pid, SIGKILL);
  EXPECT_EQ(Ask(fleet.endpoints()[1], 'f'), "7");
  EXPECT_EQ(Ask(fleet.endpoints()[1], 'r'), "1");
}

TEST(WorkerProcess, KeepsTheDescriptorsItIsTo) {
  Pipe kept;
  Fleet fleet = StartOrDie({.keep_fds = {kept.writer()}}, [&](WorkerContext& context) {
    kept.Send("from the worker");
    return ServeCommands(context);
  });
  EXPECT_EQ(kept.Receive(), "from the worker");
  EXPECT_EQ(Ask(fleet.endpoints()[0], 'f'), "8");
}

TEST(WorkerProcess, RestartsLeakNothingInTheSupervisor) {
  Fleet fleet = StartOrDie({.restart = {.intensity = 1000,
                                        .initial_backoff = absl::ZeroDuration(),
                                        .max_backoff = absl::ZeroDuration()}});
  auto descriptors = [&] {
    const std::filesystem::path fds = "/proc/" + std::to_string(fleet.supervisor_pid()) + "/fd";
    return std::distance(std::filesystem::directory_iterator(fds), {});
  };
  auto settled = [&] { return fleet.status()[0].state == SlotState::kReady; };
  const auto before = descriptors();
  for (int i = 0; i < 30; ++i) Tell(fleet.endpoints()[0], '1');
  EXPECT_EQ(Ask(fleet.endpoints()[0], 'r'), "30");
  Until(settled);
  EXPECT_EQ(descriptors(), before);
}

TEST(WorkerProcess, HasTheHostsSignalsAndLimits) {
  ChildProcess host([] {
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR2, [](int) {});
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGWINCH);
    sigprocmask(SIG_SETMASK, &blocked, nullptr);
    rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 60;
    setrlimit(RLIMIT_NOFILE, &limit);
    Fleet fleet = StartOrDie({}, [](WorkerContext& context) {
      struct sigaction hup {
      }, usr2{}, chld{}, pipe{};
      sigaction(SIGHUP, nullptr, &hup);
      sigaction(SIGUSR2, nullptr, &usr2);
      sigaction(SIGCHLD, nullptr, &chld);
      sigaction(SIGPIPE, nullptr, &pipe);
      sigset_t mask;
      sigprocmask(SIG_SETMASK, nullptr, &mask);
      bool others = false;
      for (int signal = 1; signal < 32; ++signal) {
        others |= signal != SIGWINCH && sigismember(&mask, signal);
      }
      rlimit limit;
      getrlimit(RLIMIT_NOFILE, &limit);
      const bool right = hup.sa_handler == SIG_IGN && usr2.sa_handler != SIG_DFL &&
                         chld.sa_handler == SIG_DFL && pipe.sa_handler == SIG_DFL &&
                         sigismember(&mask, SIGWINCH) && !others && limit.rlim_cur == 60;
      return ServeCommands(context,
                           [right](char) { return std::string(right ? "right" : "wrong"); });
    });
    return Ask(fleet.endpoints()[0], 's') == "right" ? 0 : 1;
  });
  EXPECT_EQ(host.Wait(), 0);
}

TEST(WorkerProcess, IsInTheSupervisorsGroupAndNotInTheHosts) {
  Fleet fleet = StartOrDie({});
  EXPECT_EQ(getpgid(fleet.supervisor_pid()), fleet.supervisor_pid());
  EXPECT_EQ(getpgid(fleet.status()[0].pid), fleet.supervisor_pid());
}

TEST(WorkerProcess, TellsItsNameAndDiesWithTheSupervisor) {
  Fleet fleet = StartOrDie({}, [](WorkerContext& context) {
    char name[16] = {};
    int death = 0;
    prctl(PR_GET_NAME, name);
    prctl(PR_GET_PDEATHSIG, &death);
    return ServeCommands(context, [&](char) { return absl::StrCat(name, " ", death); });
  });
  EXPECT_EQ(Ask(fleet.endpoints()[0], 's'), "drover-worker-0 9");
}

TEST(WorkerProcess, OutputIsWrittenOnceAndNotLost) {
  Pipe output;
  ChildProcess host([&] {
    dup2(output.writer(), STDOUT_FILENO);
    output.CloseWriter();
    printf("host,");  // buffered: standard output is a pipe
    Fleet fleet = StartOrDie({.workers = 2}, [](WorkerContext& context) {
      printf("worker,");
      return ServeCommands(context);
    });
    return fleet.Stop().ok() ? 0 : 1;
  });
  output.CloseWriter();
  EXPECT_EQ(output.Receive(), "host,worker,worker,");
  EXPECT_EQ(host.Wait(), 0);
}

TEST(WorkerProcess, RunsNoExitHandlerOfTheHost) {
  Pipe events;
  ChildProcess host([&] {
    static Pipe* to = &events;
    atexit([] { to->Send("exit handler"); });
    Fleet fleet = StartOrDie({.keep_fds = {events.writer()}});
    return fleet.Stop().ok() ? 0 : 1;  // ChildProcess ends by _exit, too
  });
  EXPECT_EQ(host.Wait(), 0);
  events.CloseWriter();
  EXPECT_EQ(events.Receive(), "EOF");
}

// A child that the worker left behind holds its pipes; the supervisor must not wait for them.
TEST(WorkerProcess, ForkedGrandchildHoldsUpNothing) {
  Pipe grandchild;
  Fleet fleet = StartOrDie({.keep_fds = {grandchild.writer()}}, [&](WorkerContext& context) {
    if (context.restarts() != 1) return ServeCommands(context);
    const pid_t pid = fork();
    if (pid == 0) {
      for (;;) pause();
    }
    grandchild.Send(std::to_string(pid));
    return 1;  // never ready, and the grandchild holds the pipe that would tell
  });
  Tell(fleet.endpoints()[0], '1');
  const pid_t pid = std::stoi(grandchild.Receive());
  EXPECT_EQ(Ask(fleet.endpoints()[0], 'r'), "2");
  EXPECT_EQ(fleet.Stop(), absl::OkStatus());
  kill(pid, SIGKILL);
}

}  // namespace
}  // namespace drover::fleet
