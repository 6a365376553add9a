#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "drover/transport/dial.h"
#include "drover/transport/listener.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

namespace drover::transport {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::ChildProcess;
using testing_support::Pipe;
using testing_support::TempDir;

class UnixListener : public ::testing::Test {
 protected:
  std::unique_ptr<Listener> Listen(const ListenOptions& options = {}) {
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Listen(endpoint_, options);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return listener.ok() ? *std::move(listener) : nullptr;
  }

  TempDir dir_;
  const Endpoint endpoint_ = *Endpoint::Parse("unix://" + dir_.path("w.sock"));
};

TEST_F(UnixListener, LeavesNothingBehind) {
  { auto listener = Listen(); }
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(UnixListener, HasItsSocketAndItsLockAndNoTemporaryName) {
  auto listener = Listen();
  EXPECT_THAT(dir_.Names(), ElementsAre("w.sock", "w.sock.lock"));
}

TEST_F(UnixListener, GivesItsFileTheModeAskedForWhateverTheUmask) {
  struct stat found;
  {
    auto listener = Listen();
    ASSERT_EQ(stat(endpoint_.path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0600u);
  }
  const mode_t umask_before = umask(077);
  auto listener = Listen({.mode = 0666});
  umask(umask_before);
  ASSERT_EQ(stat(endpoint_.path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0666u);
}

TEST_F(UnixListener, TakesOverFromAServerThatWasKilled) {
  Pipe up;
  ChildProcess server([&] {
    auto listener = Listener::Listen(endpoint_);
    up.Send(listener.ok() ? "listening" : listener.status().ToString());
    pause();
    return 0;
  });
  ASSERT_EQ(up.Receive(), "listening");
  EXPECT_EQ(Listener::Listen(endpoint_).status().code(), absl::StatusCode::kAlreadyExists);
  server.Kill(SIGKILL);
  EXPECT_THAT(dir_.Names(), ElementsAre("w.sock", "w.sock.lock"));
  auto listener = Listen();
  EXPECT_TRUE(Dial(endpoint_).ok());
  EXPECT_NE(*listener->Accept(), nullptr);
}

TEST_F(UnixListener, IsAliveWhileAForkedChildStillServes) {
  Pipe go;
  auto listener = Listen();
  ChildProcess worker([&] {
    go.CloseWriter();
    go.Receive();
    return 0;
  });
  listener->Forget();
  listener.reset();  // this process has it no more; the worker has
  EXPECT_EQ(Listener::Listen(endpoint_).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Listener::RemoveStaleFiles(endpoint_).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Dial(endpoint_).ok());
  go.CloseWriter();
  worker.Wait();
  listener = Listen();
  EXPECT_NE(listener, nullptr);
}

TEST_F(UnixListener, ForkedChildRemovesNothing) {
  auto listener = Listen();
  ChildProcess worker([&] {
    listener.reset();
    return 0;
  });
  worker.Wait();
  EXPECT_THAT(dir_.Names(), ElementsAre("w.sock", "w.sock.lock"));
  EXPECT_TRUE(Dial(endpoint_).ok());
}

TEST_F(UnixListener, RemovesOnlyItsOwnSocket) {
  auto listener = Listen();
  ASSERT_EQ(unlink(endpoint_.path().c_str()), 0);
  std::ofstream(endpoint_.path()) << "somebody else's";
  listener.reset();
  EXPECT_THAT(dir_.Names(), ElementsAre("w.sock"));
}

TEST_F(UnixListener, ForgottenFilesStay) {
  auto listener = Listen();
  listener->Forget();
  listener.reset();
  EXPECT_THAT(dir_.Names(), ElementsAre("w.sock", "w.sock.lock"));
  EXPECT_TRUE(Listener::RemoveStaleFiles(endpoint_).ok());
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(UnixListener, RemovingStaleFilesSparesALiveServer) {
  auto listener = Listen();
  EXPECT_EQ(Listener::RemoveStaleFiles(endpoint_).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Dial(endpoint_).ok());
}

TEST_F(UnixListener, RemovingStaleFilesIsContentWithNone) {
  EXPECT_TRUE(Listener::RemoveStaleFiles(endpoint_).ok());
  EXPECT_TRUE(Listener::RemoveStaleFiles(*Endpoint::Parse("unix:///no/such/dir/w")).ok());
  EXPECT_TRUE(Listener::RemoveStaleFiles(*Endpoint::Parse("tcp://h:1")).ok());
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(UnixListener, RefusesToReplaceAFileThatIsNoSocket) {
  std::ofstream(endpoint_.path()) << "precious";
  const absl::Status status = Listener::Listen(endpoint_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(endpoint_.path()));
  EXPECT_THAT(dir_.Names(), ElementsAre("w.sock"));
}

TEST_F(UnixListener, RefusesToReplaceALiveServerThatKnowsNoLock) {
  base::UniqueFd other(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  endpoint_.path().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(other.get(), 8), 0);
  EXPECT_EQ(Listener::Listen(endpoint_).status().code(), absl::StatusCode::kAlreadyExists);
  other.Reset();
  EXPECT_NE(Listen(), nullptr);  // dead now: its file is replaced
}

TEST_F(UnixListener, NamesADirectoryThatIsMissing) {
  const absl::Status status =
      Listener::Listen(*Endpoint::Parse("unix://" + dir_.path("none/w.sock"))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir_.path("none/w.sock")));
}

TEST_F(UnixListener, ListensAtAPathOfTheGreatestLength) {
  const std::string stem = dir_.path("");
  const std::string path = stem + std::string(Endpoint::kMaxUnixPath - stem.size(), 'p');
  const Endpoint endpoint = *Endpoint::Parse("unix://" + path);
  auto listener = Listener::Listen(endpoint);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_TRUE(Dial(endpoint).ok());
  listener->reset();
  // A name too short to hold the temporary one beside it.
  const std::string deep = dir_.path(std::string(Endpoint::kMaxUnixPath - stem.size() - 3, 'd'));
  ASSERT_EQ(mkdir(deep.c_str(), 0700), 0);
  auto tight = Listener::Listen(*Endpoint::Parse("unix://" + deep + "/w"));
  ASSERT_TRUE(tight.ok()) << tight.status();
  EXPECT_TRUE(Dial((*tight)->endpoint()).ok());
}

TEST_F(UnixListener, AFullBacklogIsWaitedForUpToTheTimeout) {
  auto listener = Listen({.backlog = 0});
  std::vector<std::unique_ptr<ByteStream>> streams;
  absl::Status status;
  while (status.ok()) {
    auto stream = Dial(endpoint_, {.timeout = absl::Milliseconds(20)});
    status = stream.status();
    if (stream.ok()) streams.push_back(*std::move(stream));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("backlog"));
}

TEST_F(UnixListener, AbstractNameTurnsOtherUsersAway) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  const Endpoint endpoint = *Endpoint::Parse("unix:@" + dir_.path());
  auto listener = *Listener::Listen(endpoint);
  ChildProcess stranger([&] {
    if (setuid(65534) != 0) return 2;
    auto stream = Dial(endpoint);
    if (!stream.ok()) return 3;
    std::byte byte;
    const IoResult r = (*stream)->Read({&byte, 1}, Wait::kBlock);
    return r.end || r.error == ECONNRESET ? 0 : 4;
  });
  pollfd readable{.fd = listener->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&readable, 1, -1), 1);
  auto accepted = listener->Accept();
  ASSERT_TRUE(accepted.ok());
  EXPECT_EQ(*accepted, nullptr);
  EXPECT_EQ(stranger.Wait(), 0);
}

}  // namespace
}  // namespace drover::transport
