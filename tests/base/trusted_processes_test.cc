#include "drover/base/trusted_processes.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "gtest/gtest.h"
#include "support/child_process.h"

namespace drover::base {
namespace {

using testing_support::ChildProcess;
using testing_support::Pipe;

TEST(TrustedProcesses, IncludeNobodyUnasked) {
  EXPECT_FALSE(TrustedProcesses::Includes(getpid()));
  EXPECT_FALSE(TrustedProcesses::Includes(getppid()));
  EXPECT_FALSE(TrustedProcesses::Includes(0));
}

TEST(TrustedProcesses, IncludeOneUntilItIsForgotten) {
  TrustedProcesses::Trust(getppid());
  EXPECT_TRUE(TrustedProcesses::Includes(getppid()));
  TrustedProcesses::Forget(getppid());
  EXPECT_FALSE(TrustedProcesses::Includes(getppid()));
}

TEST(TrustedProcesses, IncludeTheChildrenOfOneWhereThatIsSaid) {
  Pipe up;
  ChildProcess parent([&] {
    ChildProcess child([] { return pause(); });
    up.Send(std::to_string(child.pid()));
    pause();
    return 0;
  });
  const pid_t child = std::stoi(up.Receive());
  TrustedProcesses::Trust(parent.pid());
  EXPECT_FALSE(TrustedProcesses::Includes(child));
  TrustedProcesses::TrustWithChildren(parent.pid());
  EXPECT_TRUE(TrustedProcesses::Includes(child));
  EXPECT_TRUE(TrustedProcesses::Includes(parent.pid()));
  TrustedProcesses::Forget(parent.pid());
  EXPECT_FALSE(TrustedProcesses::Includes(child));
  kill(child, SIGKILL);
}

TEST(TrustedProcesses, DoNotIncludeAProcessItselfAsAChild) {
  TrustedProcesses::TrustWithChildren(getppid());
  EXPECT_FALSE(TrustedProcesses::Includes(getpid()));
  TrustedProcesses::Forget(getppid());
}

TEST(TrustedProcesses, DoNotIncludeOneWhoseDescriptorSomebodyHasClosed) {
  ChildProcess child([] { return pause(); });
  ChildProcess closes([&] {
    TrustedProcesses::Trust(child.pid());
    if (!TrustedProcesses::Includes(child.pid())) return 1;
    for (int fd = 3; fd < 1024; ++fd) close(fd);
    return TrustedProcesses::Includes(child.pid()) ? 2 : 0;
  });
  EXPECT_EQ(closes.Wait(), 0);
}

TEST(TrustedProcesses, DoNotIncludeOneThatHasEnded) {
  ChildProcess child([] { return pause(); });
  TrustedProcesses::Trust(child.pid());
  EXPECT_TRUE(TrustedProcesses::Includes(child.pid()));
  kill(child.pid(), SIGKILL);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT);
  EXPECT_FALSE(TrustedProcesses::Includes(child.pid()));
}

TEST(TrustedProcesses, OfAParentAreNotTheChilds) {
  TrustedProcesses::Trust(getpid());
  const pid_t parent = getpid();
  ChildProcess child([parent] { return TrustedProcesses::Includes(parent) ? 1 : 0; });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_TRUE(TrustedProcesses::Includes(parent));
  TrustedProcesses::Forget(parent);
}

}  // namespace
}  // namespace drover::base
