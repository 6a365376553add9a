#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "drover/transport/dial.h"
#include "drover/transport/inproc.h"
#include "drover/transport/listener.h"
#include "drover/transport/socket_address.h"
#include "drover/transport/socket_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

namespace drover::transport {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing_support::ChildProcess;
using testing_support::TempDir;

absl::StatusCode ListenCode(const std::string& text) {
  return Listener::Listen(*Endpoint::Parse(text)).status().code();
}
absl::StatusCode DialCode(const std::string& text) {
  return Dial(*Endpoint::Parse(text)).status().code();
}

TEST(TcpListener, FillsInTheKernelsPort) {
  auto listener = *Listener::Listen(*Endpoint::Parse("tcp://localhost:0"));
  EXPECT_EQ(listener->endpoint().host(), "localhost");
  EXPECT_NE(listener->endpoint().port(), 0);
}

TEST(TcpListener, NeedsLeaveToListenBeyondLoopback) {
  const Endpoint anywhere = *Endpoint::Parse("tcp://0.0.0.0:0");
  const absl::Status status = Listener::Listen(anywhere).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("allow_plaintext"));
}

TEST(TcpListener, NeedsLeaveForEveryKindOfAddressBeyondLoopback) {
  for (const char* host : {"0.0.0.0", "[::]", "192.0.2.77", "[2001:db8::1]", "[::ffff:192.0.2.77]",
                           "[::ffff:0.0.0.0]", "0", "0x0", "255.255.255.255"}) {
    const Endpoint endpoint = Endpoint::Parse("tcp://" + std::string(host) + ":0").value();
    EXPECT_EQ(Listener::Listen(endpoint).status().code(), absl::StatusCode::kFailedPrecondition)
        << host;
  }
}

TEST(TcpListener, NeedsLeaveForANameThatIsNotLoopback) {
  char name[256] = {};
  ASSERT_EQ(gethostname(name, sizeof name - 1), 0);
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse("tcp://" + std::string(name) + ":0");
  if (!endpoint.ok()) GTEST_SKIP() << "this host's name is no host name";
  const auto addresses = ResolveTcp(*endpoint);
  if (!addresses.ok()) GTEST_SKIP() << "this host's name does not resolve";
  for (const SocketAddress& address : *addresses) {
    if (address.IsLoopback()) GTEST_SKIP() << "this host's name is loopback";
  }
  EXPECT_EQ(Listener::Listen(*endpoint).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(TcpListener, NeedsNoLeaveForLoopback) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost"}) {
    const Endpoint endpoint = Endpoint::Parse("tcp://" + std::string(host) + ":0").value();
    EXPECT_EQ(Listener::Listen(endpoint).status(), absl::OkStatus()) << host;
  }
}

TEST(TcpListener, TellsAnAddressThatIsNotOfThisHost) {
  EXPECT_EQ(Listener::Listen(*Endpoint::Parse("tcp://192.0.2.77:0"), {.allow_plaintext = true})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SocketAddress, KnowsLoopback) {
  EXPECT_TRUE(ResolveTcp(*Endpoint::Parse("tcp://127.3.2.1:1"))->front().IsLoopback());
  EXPECT_TRUE(ResolveTcp(*Endpoint::Parse("tcp://[::1]:1"))->front().IsLoopback());
  EXPECT_TRUE(ResolveTcp(*Endpoint::Parse("tcp://[::ffff:127.0.0.1]:1"))->front().IsLoopback());
  EXPECT_FALSE(ResolveTcp(*Endpoint::Parse("tcp://10.0.0.1:1"))->front().IsLoopback());
  EXPECT_FALSE(ResolveTcp(*Endpoint::Parse("tcp://[::]:1"))->front().IsLoopback());
}

TEST(TcpStream, SendsSmallMessagesAtOnceAndGivesUpOnADeadPeer) {
  auto listener = *Listener::Listen(*Endpoint::Parse("tcp://127.0.0.1:0"));
  auto stream = *Dial(listener->endpoint());
  int no_delay = 0;
  unsigned timeout_ms = 0;
  socklen_t size = sizeof no_delay;
  getsockopt(stream->fd(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
  size = sizeof timeout_ms;
  getsockopt(stream->fd(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &size);
  EXPECT_NE(no_delay, 0);
  EXPECT_EQ(timeout_ms, 30000u);
}

// A listener whose backlog is full answers no SYN: connecting takes until somebody accepts.
class ConnectingTcp : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = *Listener::Listen(*Endpoint::Parse("tcp://127.0.0.1:0"), {.backlog = 0});
    for (;;) {
      auto stream = Dial(listener_->endpoint());
      ASSERT_TRUE(stream.ok()) << stream.status();
      int state = TCP_CLOSE;
      tcp_info info{};
      socklen_t size = sizeof info;
      ASSERT_EQ(getsockopt((*stream)->fd(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
      state = info.tcpi_state;
      if (state == TCP_SYN_SENT) {
        connecting_ = *std::move(stream);
        return;
      }
      connected_.push_back(*std::move(stream));
    }
  }

  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<ByteStream>> connected_;
  std::unique_ptr<ByteStream> connecting_;
};

TEST_F(ConnectingTcp, WouldBlockUntilItIsConnected) {
  std::byte byte{};
  EXPECT_TRUE(connecting_->Read({&byte, 1}, Wait::kDontBlock).would_block);
  const iovec piece{&byte, 1};
  EXPECT_TRUE(connecting_->Write({&piece, 1}).would_block);
  EXPECT_EQ(fcntl(connecting_->fd(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ConnectingTcp, BlockedReadWaitsForTheConnectionAndItsFirstByte) {
  // Accepts all; the retried SYN then gets through.
  std::unique_ptr<ByteStream> last;
  for (size_t accepted = 0; accepted < connected_.size() + 1;) {
    pollfd readable{.fd = listener_->fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&readable, 1, -1), 1);
    auto stream = listener_->Accept();
    ASSERT_TRUE(stream.ok());
    if (*stream == nullptr) continue;
    ++accepted;
    last = *std::move(stream);
    std::byte byte{'k'};
    const iovec piece{&byte, 1};
    EXPECT_EQ(last->Write({&piece, 1}).bytes, 1u);
  }
  std::byte byte{};
  EXPECT_EQ(connecting_->Read({&byte, 1}, Wait::kBlock).bytes, 1u);
}

TEST(TcpDial, ARefusedConnectionIsTheStreamsErrorIfNotDials) {
  Endpoint endpoint = *Endpoint::Parse("tcp://127.0.0.1:0");
  {
    auto listener = *Listener::Listen(endpoint);
    endpoint = listener->endpoint();
  }
  auto stream = Dial(endpoint);
  if (stream.ok()) {
    std::byte byte;
    EXPECT_EQ((*stream)->Read({&byte, 1}, Wait::kBlock).error, ECONNREFUSED);
  } else {
    EXPECT_EQ(stream.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(stream.status().message()), HasSubstr("refused"));
  }
}

TEST(TcpDial, NeverMeetsItself) {
  // A port that the kernel gave to a dialler, so that it is one of those it gives.
  uint16_t port = 0;
  {
    auto listener = *Listener::Listen(*Endpoint::Parse("tcp://127.0.0.1:0"));
    auto stream = *Dial(listener->endpoint());
    port = LocalAddress(stream->fd()).Port();
    listener.reset();  // resets the connection: the port is free at once
  }
  const Endpoint endpoint = Endpoint::Parse("tcp://127.0.0.1:1")->WithPort(port);
  for (int i = 0; i < 60000; ++i) {  // more than there are
    auto stream = Dial(endpoint);
    if (!stream.ok()) continue;
    pollfd settled{.fd = (*stream)->fd(), .events = POLLOUT, .revents = 0};
    ASSERT_EQ(poll(&settled, 1, -1), 1);
    std::byte byte;
    ASSERT_EQ((*stream)->Read({&byte, 1}, Wait::kDontBlock).error, ECONNREFUSED);
  }
}

TEST(TcpDial, RefusesPortZero) {
  EXPECT_EQ(DialCode("tcp://127.0.0.1:0"), absl::StatusCode::kInvalidArgument);
}

TEST(TcpDial, UnknownHostIsUnavailable) {
  EXPECT_EQ(DialCode("tcp://no-such-host.invalid:80"), absl::StatusCode::kUnavailable);
}

TEST(Listener, TellsThatDescriptorsRanOutAndKeepsTheConnection) {
  auto listener = *Listener::Listen(*Endpoint::Parse("tcp://127.0.0.1:0"));
  auto client = *Dial(listener->endpoint());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = listener->Accept().status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(*listener->Accept(), nullptr);
}

TEST(FdEndpoint, ListensOnAnInheritedSocketAndTellsWhereThatIs) {
  TempDir dir;
  for (const std::string& text :
       {"unix://" + dir.path("w"), "unix:@" + dir.path(), std::string("tcp://127.0.0.1:0")}) {
    auto original = *Listener::Listen(*Endpoint::Parse(text));
    const int inherited = dup(original->fd());
    auto listener = Listener::Listen(*Endpoint::Parse(absl::StrCat("fd:", inherited)));
    ASSERT_TRUE(listener.ok()) << listener.status();
    EXPECT_EQ((*listener)->fd(), inherited);
    EXPECT_EQ((*listener)->endpoint().scheme(), original->endpoint().scheme());
    auto client = *Dial(original->endpoint());
    EXPECT_NE(*(*listener)->Accept(), nullptr);
  }
}

TEST(FdEndpoint, RefusesWhatIsNotTheSocketItNeeds) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  base::UniqueFd reader(fds[0]), writer(fds[1]);
  base::UniqueFd idle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const std::string pipe_fd = absl::StrCat("fd:", reader.get());
  const std::string idle_fd = absl::StrCat("fd:", idle.get());
  EXPECT_EQ(ListenCode(pipe_fd), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DialCode(pipe_fd), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListenCode(idle_fd), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DialCode(idle_fd), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListenCode("fd:987654"), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DialCode("fd:987654"), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(fcntl(reader.get(), F_GETFD), -1);  // and took none of them
}

TEST(LaterSchemes, AreUnimplementedNamingThem) {
  for (const char* text : {"fifo:///tmp/x"}) {
    EXPECT_EQ(ListenCode(text), absl::StatusCode::kUnimplemented);
    const absl::Status status = Dial(*Endpoint::Parse(text)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  }
}

TEST(Inproc, IsNotReachedFromAForkedChild) {
  const Endpoint endpoint = *Endpoint::Parse("inproc://here");
  auto listener = *Listener::Listen(endpoint);
  ChildProcess child([&] {
    if (Dial(endpoint).status().code() != absl::StatusCode::kUnavailable) return 1;
    if (listener->Accept().status().code() != absl::StatusCode::kFailedPrecondition) return 2;
    if (!Listener::Listen(endpoint).ok()) return 3;  // its own name space
    listener.reset();
    return 0;
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_EQ(*listener->Accept(), nullptr);
  EXPECT_TRUE(Dial(endpoint).ok());
}

TEST(Inproc, RefusesPastItsBacklog) {
  const Endpoint endpoint = *Endpoint::Parse("inproc://small");
  auto listener = *Listener::Listen(endpoint, {.backlog = 1});
  auto first = *Dial(endpoint);
  EXPECT_EQ(Dial(endpoint).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace drover::transport
