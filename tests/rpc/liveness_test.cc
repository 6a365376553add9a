// Pings, and what else notices a peer that is there no more.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/transport/dial.h"
#include "drover/transport/listener.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;

TEST(LivenessDefaults, AreTheDocumentedOnes) {
  EXPECT_EQ(ServerOptions().tcp_user_timeout, absl::Seconds(30));
  EXPECT_EQ(ServerOptions().ping_interval, absl::ZeroDuration());
  EXPECT_EQ(ServerOptions().ping_timeout, absl::Seconds(10));
  EXPECT_EQ(ConnectOptions().tcp_user_timeout, absl::Seconds(30));
  EXPECT_EQ(ConnectOptions().ping_interval, absl::ZeroDuration());
  EXPECT_EQ(ConnectOptions().ping_timeout, absl::Seconds(10));
}

// --- pings --------------------------------------------------------------------------------------

class Pings : public ServerTest {
 protected:
  void StartWith(const Liveness& liveness) {
    connection_->Close(absl::CancelledError("not used here"));
    liveness_ = liveness;
    Start(LocalCapability::Of(cook_), "the client of the test");
  }
  void AnswerPing() {
    peer_->Expect(protocol::Message::OBSOLETE_SAVE);
    peer_->Send([](protocol::Message::Builder m) { m.initUnimplemented().initObsoleteSave(); });
  }
};

TEST_F(Pings, AreSentWhileNothingComesAndGoOnAsLongAsTheyAreAnswered) {
  StartWith({.ping_interval = absl::Milliseconds(2), .ping_timeout = absl::Hours(1)});
  for (int i = 0; i < 5; ++i) AnswerPing();
  peer_->PassOver(protocol::Message::OBSOLETE_SAVE);
  SendAdd(1, 1, 2);
  ExpectSum(1, 3);
}

TEST_F(Pings, EndTheConnectionIfNothingComesBack) {
  // Time enough to begin with a call.
  StartWith({.ping_interval = absl::Milliseconds(2), .ping_timeout = absl::Seconds(1)});
  peer_->PassOver(protocol::Message::OBSOLETE_SAVE);
  SendPlain(1, kWait);
  cook_->gate.AwaitArrivals(1);
  EXPECT_TRUE(peer_->AtEnd());
  cook_->gate.AwaitCancellations(1);
  const absl::Status closed = connection_->WithLock([](ConnectionState& s) { return s.closed; });
  EXPECT_EQ(closed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(closed.message()), HasSubstr("no answer to a ping for 1s"));
}

TEST_F(Pings, TakeAnythingForAnAnswer) {
  StartWith({.ping_interval = absl::Milliseconds(2), .ping_timeout = absl::Hours(1)});
  for (uint32_t i = 0; i < 5; ++i) {
    peer_->Expect(protocol::Message::OBSOLETE_SAVE);
    peer_->SendFinish(i);  // of nothing
  }
}

TEST_F(Pings, AreOffUnlessAskedFor) {
  Front();
  ExpectNothing();
  EXPECT_FALSE(Liveness().pings());
}

TEST_F(Pings, OfThePeerAreAnswered) {
  Front();
  peer_->Send([](protocol::Message::Builder m) { m.initObsoleteSave(); });
  auto message = peer_->Expect(protocol::Message::UNIMPLEMENTED);
  EXPECT_TRUE(message->root().getUnimplemented().isObsoleteSave());
}

TEST(PingOptions, ReachBothEnds) {
  // Each end pings the other, which takes a while of silence: the answer to Wait comes when pings
  // have gone both ways.
  auto cook = std::make_shared<Cook>();
  auto server = Serve("tcp://127.0.0.1:0", cook, {.ping_interval = absl::Milliseconds(1)}).value();
  auto proxy =
      Connect<kitchen::CookProxy>(server.endpoint(), {.ping_interval = absl::Milliseconds(1)});
  EXPECT_EQ(proxy.Sleep(20), absl::OkStatus());
  EXPECT_EQ(proxy.Add(1, 2).value(), 3u);
}

// --- TCP_USER_TIMEOUT
// -----------------------------------------------------------------------------

unsigned UserTimeout(int fd) {
  unsigned millis = 4711;
  socklen_t size = sizeof millis;
  EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &millis, &size), 0);
  return millis;
}

// Tells the descriptor of the last connection that was accepted.
class TellingListener final : public transport::Listener {
 public:
  TellingListener(std::unique_ptr<transport::Listener> listener, std::atomic<int>* last)
      : listener_(std::move(listener)), last_(last) {}
  absl::StatusOr<std::unique_ptr<transport::ByteStream>> Accept() override {
    auto stream = listener_->Accept();
    if (stream.ok() && *stream != nullptr) *last_ = (*stream)->fd();
    return stream;
  }
  int fd() const override { return listener_->fd(); }
  std::vector<int> fds() const override { return listener_->fds(); }
  const Endpoint& endpoint() const override { return listener_->endpoint(); }

 private:
  const std::unique_ptr<transport::Listener> listener_;
  std::atomic<int>* const last_;
};

struct Timeouts {
  unsigned accepted, dialled;
  bool operator==(const Timeouts&) const = default;
};

// Of the two ends of a connection.
Timeouts TimeoutsWith(const ServerOptions& server_options, const ConnectOptions& connect_options) {
  std::atomic<int> accepted{-1};
  auto listener = transport::Listener::Listen(*Endpoint::Parse("tcp://127.0.0.1:0")).value();
  auto server = Serve(std::make_unique<TellingListener>(std::move(listener), &accepted),
                      std::make_shared<Cook>(), server_options)
                    .value();
  // Dialled here, and given to Connect by its number.
  auto stream = transport::Dial(server.endpoint()).value();
  const int dialled = dup(stream->fd());
  stream = nullptr;
  auto proxy = Connect<kitchen::CookProxy>("fd:" + std::to_string(dialled), connect_options);
  EXPECT_EQ(proxy.Add(1, 2).value(), 3u);
  return {UserTimeout(accepted), UserTimeout(dialled)};
}

TEST(TcpUserTimeout, IsHalfAMinuteAtBothEnds) {
  EXPECT_EQ(TimeoutsWith({}, {}), (Timeouts{30'000, 30'000}));
}

TEST(TcpUserTimeout, CanBeSetAtBothEnds) {
  EXPECT_EQ(TimeoutsWith({.tcp_user_timeout = absl::Seconds(7)},
                         {.tcp_user_timeout = absl::Milliseconds(1500)}),
            (Timeouts{7'000, 1'500}));
}

TEST(TcpUserTimeout, OfZeroIsTheKernels) {
  EXPECT_EQ(TimeoutsWith({.tcp_user_timeout = absl::ZeroDuration()},
                         {.tcp_user_timeout = absl::ZeroDuration()}),
            (Timeouts{0, 0}));
}

}  // namespace
}  // namespace drover::rpc
