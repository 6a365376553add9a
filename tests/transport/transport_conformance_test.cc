// What every transport must do, whatever carries it.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "drover/transport/dial.h"
#include "drover/transport/listener.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/ring_pair.h"
#include "support/temp_dir.h"

namespace drover::transport {
namespace {

enum class Kind {
  kUnixPath,
  kAbstract,
  kTcp4,
  kTcp6,
  kLocalhost,
  kInproc,
  kShm,
  kSocketpair,
  kRings
};

std::string KindName(const ::testing::TestParamInfo<Kind>& info) {
  static const char* const names[] = {"UnixPath", "Abstract", "Tcp4",       "Tcp6", "Localhost",
                                      "Inproc",   "Shm",      "Socketpair", "Rings"};
  return names[static_cast<int>(info.param)];
}

bool HostHasIpv6Loopback() { return Listener::Listen(*Endpoint::Parse("tcp://[::1]:0")).ok(); }

class Transport : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kTcp6 && !HostHasIpv6Loopback()) {
      GTEST_SKIP() << "this host has no IPv6 loopback";
    }
    if (GetParam() == Kind::kRings) {
      testing_support::RingPair pair;
      server_ = std::move(pair.maker);
      client_ = std::move(pair.taker);
      return;
    }
    if (GetParam() == Kind::kSocketpair) {
      int fds[2];
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
      client_ = DialFd(fds[0]);
      server_ = DialFd(fds[1]);
      return;
    }
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Listen(ListenEndpoint());
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    absl::StatusOr<std::unique_ptr<ByteStream>> client = Dial(listener_->endpoint());
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    server_ = AcceptOne();
  }

  Endpoint ListenEndpoint() {
    switch (GetParam()) {
      case Kind::kUnixPath:
        return *Endpoint::Parse("unix://" + dir_.path("w.sock"));
      case Kind::kShm:
        return *Endpoint::Parse("shm://" + dir_.path("w.sock"));
      case Kind::kAbstract:
        return *Endpoint::Parse(absl::StrCat("unix:@", dir_.path()));
      case Kind::kTcp4:
        return *Endpoint::Parse("tcp://127.0.0.1:0");
      case Kind::kTcp6:
        return *Endpoint::Parse("tcp://[::1]:0");
      case Kind::kLocalhost:
        return *Endpoint::Parse("tcp://localhost:0");
      default:
        return *Endpoint::Parse(absl::StrCat("inproc://", dir_.path()));
    }
  }

  static std::unique_ptr<ByteStream> DialFd(int fd) {
    absl::StatusOr<std::unique_ptr<ByteStream>> stream =
        Dial(*Endpoint::Parse(absl::StrCat("fd:", fd)));
    EXPECT_TRUE(stream.ok()) << stream.status();
    return stream.ok() ? *std::move(stream) : nullptr;
  }

  std::unique_ptr<ByteStream> AcceptOne() {
    pollfd readable{.fd = listener_->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&readable, 1, -1), 1);
    absl::StatusOr<std::unique_ptr<ByteStream>> stream = listener_->Accept();
    EXPECT_TRUE(stream.ok()) << stream.status();
    EXPECT_NE(*stream, nullptr);
    return *std::move(stream);
  }

  bool has_listener() const { return listener_ != nullptr; }

  testing_support::TempDir dir_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<ByteStream> client_, server_;
};

IoResult WriteText(ByteStream& to, std::string_view text) {
  const iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  return to.Write({&piece, 1});
}

std::string ReadText(ByteStream& from, size_t size) {
  std::string text(size, '\0');
  size_t have = 0;
  while (have < size) {
    const IoResult r =
        from.Read(std::as_writable_bytes(std::span(text)).subspan(have), Wait::kBlock);
    if (r.bytes == 0) return text.substr(0, have);
    have += r.bytes;
  }
  return text;
}

IoResult ReadNow(ByteStream& from) {
  std::byte byte;
  return from.Read({&byte, 1}, Wait::kDontBlock);
}

IoResult ReadBlocking(ByteStream& from) {
  std::byte byte;
  return from.Read({&byte, 1}, Wait::kBlock);
}

TEST_P(Transport, CarriesBytesBothWays) {
  EXPECT_EQ(WriteText(*client_, "hello").bytes, 5u);
  EXPECT_EQ(ReadText(*server_, 5), "hello");
  EXPECT_EQ(WriteText(*server_, "world!").bytes, 6u);
  EXPECT_EQ(ReadText(*client_, 6), "world!");
}

TEST_P(Transport, GathersPiecesInOrder) {
  std::string a = "one ", b = "two ", c = "three";
  const iovec pieces[] = {{a.data(), a.size()}, {b.data(), b.size()}, {c.data(), c.size()}};
  EXPECT_EQ(client_->Write(pieces).bytes, 13u);
  EXPECT_EQ(ReadText(*server_, 13), "one two three");
}

TEST_P(Transport, TakesMorePiecesThanOneSystemCallDoes) {
  std::string x = "x";
  std::vector<iovec> pieces(3000, iovec{x.data(), 1});
  size_t sent = 0;
  while (sent < pieces.size()) {
    const IoResult r = client_->Write(std::span(pieces).subspan(sent));
    ASSERT_EQ(r.error, 0);
    sent += r.bytes;
  }
  EXPECT_EQ(ReadText(*server_, 3000), std::string(3000, 'x'));
}

TEST_P(Transport, TellsThatNothingWaitsInsteadOfBlocking) {
  const IoResult r = ReadNow(*client_);
  EXPECT_TRUE(r.would_block);
  EXPECT_EQ(r.bytes, 0u);
  EXPECT_EQ(r.error, 0);
  EXPECT_FALSE(r.end);
}

TEST_P(Transport, NeverBlocksAWriterWhenThePeerDoesNotRead) {
  const std::string block(1 << 16, 'z');
  size_t sent = 0;
  IoResult r;
  while ((r = WriteText(*client_, block)).bytes > 0) sent += r.bytes;
  EXPECT_TRUE(r.would_block);
  EXPECT_EQ(ReadText(*server_, sent), std::string(sent, 'z'));  // and nothing was lost
}

TEST_P(Transport, ReportsTheEndAfterTheLastByte) {
  EXPECT_EQ(WriteText(*client_, "bye").bytes, 3u);
  client_.reset();
  EXPECT_EQ(ReadText(*server_, 3), "bye");
  EXPECT_TRUE(ReadBlocking(*server_).end);
  EXPECT_TRUE(ReadNow(*server_).end);
}

TEST_P(Transport, WritingToAClosedPeerIsAnErrorAndNoSignal) {
  server_.reset();
  IoResult r;
  do {  // TCP learns of it by the answer to its first bytes
    r = WriteText(*client_, "x");
  } while (r.bytes > 0);
  EXPECT_THAT(r.error, ::testing::AnyOf(EPIPE, ECONNRESET));
}

TEST_P(Transport, ShutdownEndsABlockedRead) {
  IoResult r;
  std::thread reader([&] { r = ReadBlocking(*client_); });
  client_->Shutdown();
  reader.join();
  EXPECT_TRUE(r.end);
  client_->Shutdown();  // harmless
  EXPECT_TRUE(ReadBlocking(*server_).end);
}

TEST_P(Transport, BlockedReadEndsWithTheFirstByte) {
  std::string got;
  std::thread reader([&] { got = ReadText(*client_, 1); });
  EXPECT_EQ(WriteText(*server_, "k").bytes, 1u);
  reader.join();
  EXPECT_EQ(got, "k");
}

TEST_P(Transport, IsInBlockingModeAndClosedOnExec) {
  for (const ByteStream* stream : {client_.get(), server_.get()}) {
    EXPECT_EQ(fcntl(stream->fd(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(fcntl(stream->fd(), F_GETFD), FD_CLOEXEC);
  }
  if (has_listener()) {
    for (int fd : listener_->fds()) EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  }
}

TEST_P(Transport, KnowsItsPeer) {
  const bool tcp = has_listener() && listener_->endpoint().scheme() == Endpoint::Scheme::kTcp;
  if (tcp) {
    EXPECT_THAT(client_->peer().address,
                ::testing::EndsWith(absl::StrCat(":", listener_->endpoint().port())));
    EXPECT_FALSE(server_->peer().pid.has_value());
  } else {
    EXPECT_EQ(server_->peer().pid, getpid());
    EXPECT_EQ(server_->peer().uid, getuid());
    EXPECT_EQ(client_->peer().pid, getpid());
  }
}

// The rest concerns listeners, which a socketpair has not.
class ListeningTransport : public Transport {};

TEST_P(ListeningTransport, AcceptNeverBlocks) {
  absl::StatusOr<std::unique_ptr<ByteStream>> none = listener_->Accept();
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(*none, nullptr);
}

TEST_P(ListeningTransport, QueuesConnectionsUntilTheyAreAccepted) {
  std::vector<std::unique_ptr<ByteStream>> clients;
  for (char c = 'a'; c <= 'e'; ++c) {
    clients.push_back(*Dial(listener_->endpoint()));
    ASSERT_EQ(WriteText(*clients.back(), std::string(1, c)).bytes, 1u);
  }
  for (char c = 'a'; c <= 'e'; ++c) EXPECT_EQ(ReadText(*AcceptOne(), 1), std::string(1, c));
  pollfd readable{.fd = listener_->fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&readable, 1, 0), 0);
}

TEST_P(ListeningTransport, SecondListenerGetsAlreadyExistsNamingTheEndpoint) {
  const absl::Status status = Listener::Listen(listener_->endpoint()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists) << status;
  EXPECT_THAT(std::string(status.message()),
              ::testing::HasSubstr(listener_->endpoint().ToString()));
  WriteText(*client_, "still");  // and the first is unharmed
  EXPECT_EQ(ReadText(*server_, 5), "still");
  EXPECT_NE(*Dial(listener_->endpoint()), nullptr);
}

TEST_P(ListeningTransport, DiallingWhereNobodyListensIsUnavailableNamingTheEndpoint) {
  const Endpoint endpoint = listener_->endpoint();
  listener_.reset();
  absl::StatusOr<std::unique_ptr<ByteStream>> stream = Dial(endpoint);
  if (stream.ok()) {  // TCP may tell by the first read
    EXPECT_EQ(ReadBlocking(**stream).error, ECONNREFUSED);
    return;
  }
  EXPECT_EQ(stream.status().code(), absl::StatusCode::kUnavailable) << stream.status();
  EXPECT_THAT(std::string(stream.status().message()), ::testing::HasSubstr(endpoint.ToString()));
}

TEST_P(ListeningTransport, ListensAgainWhereAListenerClosed) {
  const Endpoint endpoint = listener_->endpoint();
  listener_.reset();
  absl::StatusOr<std::unique_ptr<Listener>> again = Listener::Listen(endpoint);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->endpoint(), endpoint);
}

TEST_P(ListeningTransport, HangsUpOnWhoeverWaitsWhenItCloses) {
  std::unique_ptr<ByteStream> waiting = *Dial(listener_->endpoint());
  listener_.reset();
  const IoResult r = ReadBlocking(*waiting);
  EXPECT_TRUE(r.end || r.error == ECONNRESET) << r.error;
}

TEST_P(ListeningTransport, IgnoresTheObjectsName) {
  EXPECT_EQ(listener_->endpoint().name(), "");
  EXPECT_TRUE(Dial(listener_->endpoint().WithName("clock")).ok());
}

INSTANTIATE_TEST_SUITE_P(All, Transport,
                         ::testing::Values(Kind::kUnixPath, Kind::kAbstract, Kind::kTcp4,
                                           Kind::kTcp6, Kind::kLocalhost, Kind::kInproc, Kind::kShm,
                                           Kind::kSocketpair, Kind::kRings),
                         KindName);
INSTANTIATE_TEST_SUITE_P(All, ListeningTransport,
                         ::testing::Values(Kind::kUnixPath, Kind::kAbstract, Kind::kTcp4,
                                           Kind::kTcp6, Kind::kLocalhost, Kind::kInproc,
                                           Kind::kShm),
                         KindName);

}  // namespace
}  // namespace drover::transport
