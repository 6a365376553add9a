// A server process that is stopped, neither dead nor answering: only pings notice it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::HasSubstr;
using namespace testing_support;  // NOLINT: the tests' own

class AStoppedServer : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Over, AStoppedServer, testing::Values("tcp", "shm"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(AStoppedServer, IsNoticedByPingsAlone) {
  const TempDir dir;
  const std::string at =
      GetParam() == std::string("shm") ? "shm://" + dir.path("cook") : "tcp://127.0.0.1:0";
  Pipe up;
  ChildProcess child([&] {
    auto server = Serve(at, std::make_shared<Cook>());
    if (!server.ok()) return 1;
    up.Send(server->endpoint().ToString());
    server->Wait();
    return 0;
  });
  const std::string endpoint = up.Receive();
  auto patient = Connect<kitchen::CookProxy>(endpoint);
  EXPECT_EQ(patient.Add(1, 2).value(), 3u);
  auto impatient = Connect<kitchen::CookProxy>(
      endpoint, {.ping_interval = absl::Milliseconds(5), .ping_timeout = absl::Milliseconds(200)});
  absl::StatusOr<uint32_t> sum = impatient.Add(1, 2);
  while (!sum.ok()) sum = impatient.Add(1, 2);  // the scheduler may hold the server up

  ASSERT_EQ(kill(child.pid(), SIGSTOP), 0);
  int status;
  ASSERT_EQ(waitpid(child.pid(), &status, WUNTRACED), child.pid());
  auto waiting = patient.async().Add(3, 4);
  const absl::Status lost = impatient.Add(3, 4).status();
  EXPECT_EQ(lost.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(lost.message()), HasSubstr("no answer to a ping for 200ms"));
  EXPECT_FALSE(waiting.ready());
  ASSERT_EQ(kill(child.pid(), SIGCONT), 0);
  EXPECT_EQ(waiting.Get().value(), 7u);
  // The connection is made again.
  sum = impatient.Add(5, 6);
  while (!sum.ok()) sum = impatient.Add(5, 6);
  EXPECT_EQ(*sum, 11u);
}

}  // namespace
}  // namespace drover
