// The send buffer of a UNIX socket, which grows with the first large message; what closing ends.
#include "drover/transport/socket_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "support/child_process.h"

namespace drover::transport {
namespace {

int SendBuffer(int fd) {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size), 0);
  return bytes;
}

// What the kernel gives to who asks for so much.
int Granted(int bytes) {
  int most = 0;
  std::ifstream("/proc/sys/net/core/wmem_max") >> most;
  return 2 * std::min(bytes, most);
}

class UnixSendBuffer : public testing::Test {
 protected:
  UnixSendBuffer() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    theirs_ = base::UniqueFd(fds[1]);
    ours_ = SocketStream::Make(base::UniqueFd(fds[0]), "unix");
  }

  size_t Write(size_t bytes) {
    const std::vector<char> data(bytes);
    const iovec piece{const_cast<char*>(data.data()), bytes};
    return ours_->Write({&piece, 1}).bytes;
  }

  std::unique_ptr<SocketStream> ours_;
  base::UniqueFd theirs_;
};

TEST_F(UnixSendBuffer, StaysAsItIsWhileMessagesAreSmall) {
  const int before = SendBuffer(ours_->fd());
  EXPECT_EQ(Write(64 * 1024), 64u * 1024);
  EXPECT_EQ(SendBuffer(ours_->fd()), before);
}

// Each is new, as accept() and socket() make them.
TEST(ClosingASocket, EndsItUnlessSomebodyElseMayHaveIt) {
  const auto make = [](int family) {
    return SocketStream::MakeOfNew(base::UniqueFd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                                   family, "somewhere");
  };
  const auto unix_socket = make(AF_UNIX);
  EXPECT_TRUE(unix_socket->EndsWhenClosed());
  EXPECT_FALSE(make(AF_INET)->EndsWhenClosed());
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  const base::UniqueFd other(fds[1]);
  EXPECT_FALSE(SocketStream::Make(base::UniqueFd(fds[0]), "given")->EndsWhenClosed());

  testing_support::ChildProcess child([&] { return make(AF_UNIX)->EndsWhenClosed() ? 0 : 1; });
  const int status = child.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "what the child makes is its own";
  EXPECT_FALSE(unix_socket->EndsWhenClosed()) << "a child may have it";
}

TEST_F(UnixSendBuffer, GrowsWithTheFirstLargeMessage) {
  while (Write(4 << 20) > 0) {
  }
  EXPECT_EQ(SendBuffer(ours_->fd()), Granted(512 * 1024));
}

}  // namespace
}  // namespace drover::transport
