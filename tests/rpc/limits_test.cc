// Each limit on what a peer may cost: passed by a hostile peer, whose own call fails or whose own
// connection ends, while an honest client of the same server goes on (the fixture sees to that).
#include "drover/rpc/limits.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "drover/rpc/status_codec.h"
#include "rpc/hostile_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;

TEST(LimitsDefaults, AreTheDocumentedOnes) {
  const Limits limits;
  EXPECT_EQ(limits.max_calls_in_flight, 65'536u);
  EXPECT_EQ(limits.max_call_bytes, size_t{1} << 30);
  EXPECT_EQ(limits.max_exports, 1'000'000u);
  EXPECT_EQ(limits.max_imports, 1'000'000u);
  EXPECT_EQ(limits.max_held_answer_bytes, 128u << 20);
  EXPECT_EQ(limits.max_queued_bytes, 64u << 20);
  EXPECT_EQ(limits.max_connections, 10'000u);
  EXPECT_EQ(limits.frame_timeout, absl::Seconds(30));
  EXPECT_EQ(limits.handshake_timeout, absl::Seconds(10));
  EXPECT_EQ(ServerOptions().max_message_bytes, 64u << 20);
  EXPECT_EQ(ConnectOptions().max_message_bytes, 64u << 20);
}

// --- the peer is a client -----------------------------------------------------------------------

class ServerLimits : public HostilePeer {
 protected:
  // Waits until the server has got so many calls of one client that it has not finished.
  void AwaitAnswers(uint32_t count) {
    for (uint32_t most = 0; most < count; std::this_thread::yield()) {
      for (const ConnectionStats& c : server_->Stats().connections)
        most = std::max(most, c.answers);
    }
  }
  void SendEcho(uint32_t question, size_t bytes) {
    const uint32_t front = Front();
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall(m, question, kEcho);
      call.initTarget().setImportedCap(front);
      call.initParams().getContent().initAs<Wire::EchoParams>().initData(bytes);
    });
  }
};

TEST_F(ServerLimits, ACallBeyondThoseInFlightIsRefusedAndDoesNotRun) {
  ServeWith(With({.max_calls_in_flight = 2}));
  SendPlain(1, kWait);
  SendPlain(2, kWait);
  cook_->gate.AwaitArrivals(2);
  SendAdd(3, 1, 1);
  ExpectRefused(3, "max_calls_in_flight");
  cook_->gate.Open();
  peer_->Expect(protocol::Message::RETURN);
  peer_->Expect(protocol::Message::RETURN);
  SendAdd(4, 1, 1);  // unfinished ones do not count
  ExpectSum(4, 2);
}

TEST_F(ServerLimits, CallsThatWaitForAnAnswerAreInFlight) {
  ServeWith(With({.max_calls_in_flight = 2}));
  SendPlain(1, kLater);
  SendHeard(2, 1, {0}, "one");
  SendHeard(3, 1, {0}, "two");
  ExpectRefused(3, "max_calls_in_flight");
  cook_->gate.Open();
  peer_->ExpectReturn(1);
  ExpectReply(2, "heard one");
}

TEST_F(ServerLimits, AnAnswerThatWouldExportTooMuchFails) {
  ServeWith(With({.max_exports = 2}));  // the front object and one more
  SendPlain(1, kMakeCook);
  const uint32_t cook = ExpectHosted(1);
  SendPlain(2, kMakeCook);
  ExpectRefused(2, "max_exports");
  SendPlain(3, kMakeCook);
  ExpectRefused(3, "max_exports");
  peer_->SendFinish(1, /*release_result_caps=*/false);
  peer_->SendRelease(cook, 1);
  SendPlain(4, kMakeCook);
  ExpectHosted(4);
}

TEST_F(ServerLimits, AnObjectThatIsExportedAlreadyIsNotOneMore) {
  ServeWith(With({.max_exports = 2}));
  SendPlain(1, kKept);
  SendPlain(2, kKept);
  const uint32_t first = ExpectHosted(1);
  EXPECT_EQ(ExpectHosted(2), first);
}

TEST_F(ServerLimits, MoreImportsThanMayBeEndTheConnection) {
  ServeWith(With({.max_imports = 2}));
  peer_->PassOver(protocol::Message::RELEASE);
  peer_->PassOver(protocol::Message::CALL);
  for (uint32_t i = 0; i < 3; ++i) {
    SendWithCap(i, kTell,  // which waits for the listener's reply
                [i](protocol::CapDescriptor::Builder d) { d.setSenderHosted(i); });
  }
  ExpectEnd("max_imports");
}

TEST_F(ServerLimits, OneMessageCannotBringMoreImportsThanMayBe) {
  ServeWith(With({.max_imports = 2}));
  peer_->PassOver(protocol::Message::RELEASE);
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kKeep);
    call.initTarget().setImportedCap(front);
    auto table = call.initParams().initCapTable(1000);
    for (uint32_t i = 0; i < table.size(); ++i) table[i].setSenderHosted(i);
  });
  ExpectEnd("max_imports");
}

TEST_F(ServerLimits, AnObjectThatIsImportedAlreadyIsNotOneMore) {
  ServeWith(With({.max_imports = 1}));
  peer_->PassOver(protocol::Message::RELEASE);
  for (uint32_t i = 0; i < 3; ++i) {
    SendWithCap(i, kKeep, [](protocol::CapDescriptor::Builder d) { d.setSenderHosted(7); });
    peer_->ExpectReturn(i);
  }
}

TEST_F(ServerLimits, AnswersThatAreNotFinishedEndTheConnection) {
  ServeWith(With({.max_held_answer_bytes = 5 * Limits::kAnswerBytes}));
  Front();  // finished
  for (uint32_t i = 0; i < 5; ++i) {
    SendAdd(i, i, i);
    ExpectSum(i, 2 * i);
  }
  SendAdd(5, 1, 1);
  ExpectEnd("max_held_answer_bytes");
}

TEST_F(ServerLimits, FinishedAnswersAreNotHeld) {
  ServeWith(With({.max_held_answer_bytes = 5 * Limits::kAnswerBytes}));
  for (uint32_t i = 0; i < 100; ++i) {
    SendAdd(i, i, i);
    ExpectSum(i, 2 * i);
    peer_->SendFinish(i);
  }
}

TEST_F(ServerLimits, AnswersWithCapabilitiesAreHeldWhole) {
  ServeWith(With({.max_held_answer_bytes = 8 * Limits::kAnswerBytes + 64}));
  SendPlain(1, kMakeCook);
  ExpectHosted(1);
  for (uint32_t i = 2; i <= 7; ++i) {
    SendAdd(i, 1, 1);
    ExpectSum(i, 2);
  }
  SendAdd(8, 1, 1);
  ExpectEnd("max_held_answer_bytes");
}

TEST_F(ServerLimits, APeerThatDoesNotReadHasItsFurtherCallsRefused) {
  ServeWith(With({.max_queued_bytes = kMaxFrame}));
  Front();
  constexpr uint32_t kCalls = 12;
  for (uint32_t i = 0; i < kCalls; ++i) {
    SendEcho(i, kMaxFrame / 2);
    // One that comes before the last is answered may be taken, too, and be too much.
    AwaitAnswers(i + 1);
    EXPECT_EQ(honest_.Add(4, 5).value(), 9u);  // behind it
  }
  uint32_t refused = 0;
  for (uint32_t i = 0; i < kCalls; ++i) {
    auto message = peer_->Expect(protocol::Message::RETURN);  // refused ones may overtake
    if (message->root().getReturn().isResults()) continue;
    ++refused;
    const absl::Status status = FromException(message->root().getReturn().getException());
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("max_queued_bytes"));
  }
  EXPECT_GT(refused, 0u);
  // Everything has been read; the server may yet have to count its last write.
  for (uint32_t id = 100;; ++id) {
    SendAdd(id, 1, 1);
    if (peer_->ExpectReturn(id)->root().getReturn().isResults()) break;
  }
}

TEST_F(ServerLimits, APeerThatNeverReadsLosesItsConnectionPastTwiceTheLimit) {
  ServeWith(With({.max_queued_bytes = kMaxFrame}));
  // All of them are accepted, as nothing is queued yet.
  SendPlain(0, kLater);
  for (uint32_t i = 1; i <= 12; ++i) SendEcho(i, kMaxFrame / 2);
  cook_->gate.AwaitArrivals(1);
  cook_->gate.Open();
  log_.Await("max_queued_bytes");
  // What the socket holds is all that comes, to the middle of an answer.
  char ignored[4096];
  while (recv(peer_->fd(), ignored, sizeof(ignored), 0) > 0) {
  }
}

TEST_F(ServerLimits, AMessageLargerThanTheQueueIsAnswered) {
  ServeWith(With({.max_queued_bytes = 4096}));
  SendEcho(1, kMaxFrame / 2);
  EXPECT_TRUE(peer_->ExpectReturn(1)->root().getReturn().isResults());
}

TEST_F(ServerLimits, AClientTooManyIsToldWhyAndClosed) {
  ServeWith(With({.max_connections = 2}));
  Front();  // has been accepted
  auto third = Dial();
  EXPECT_THAT(third->ExpectAbort(), HasSubstr("max_connections"));
  log_.Await("max_connections");
  for (;;) {
    const absl::Status refused =
        Connect<kitchen::CookProxy>(server_->endpoint()).Add(1, 1).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
    // A call that is made once sending has failed is not told more than that.
    if (absl::StrContains(refused.message(), "the peer closed it")) continue;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("max_connections"));
    break;
  }
  SendAdd(1, 1, 1);
  ExpectSum(1, 2);
  // One that leaves makes room.
  peer_ = nullptr;
  while (server_->connections() > 1) std::this_thread::yield();
  peer_ = Dial();
  front_ = UINT32_MAX;
  SendAdd(1, 1, 1);
  ExpectSum(1, 2);
  peer_ = nullptr;
  while (server_->connections() > 1) std::this_thread::yield();
}

TEST_F(ServerLimits, AMessageThatStopsHalfwayEndsTheConnection) {
  ServeWith(With({.frame_timeout = absl::Milliseconds(5)}));
  Front();
  const auto frame = ScriptedPeer::Frame([](protocol::Message::Builder m) { m.initBootstrap(); });
  for (size_t size : {size_t{1}, size_t{8}, frame.size() - 1}) {
    peer_->SendBootstrap(0);
    peer_->SendBytes({frame.data(), size});
    peer_->ExpectReturn(0);
    ExpectEnd("frame_timeout");
    peer_ = Dial();
  }
}

TEST_F(ServerLimits, AClientThatSaysNothingLosesItsConnection) {
  ServeWith(With({.handshake_timeout = absl::Milliseconds(20)}));
  ExpectEnd("handshake_timeout");
}

TEST_F(ServerLimits, HalfAFirstMessageIsNoHandshake) {
  ServeWith(With({.handshake_timeout = absl::Milliseconds(20)}));
  const uint32_t half = 0;
  peer_->SendBytes(&half, sizeof(half));
  ExpectEnd("handshake_timeout");
}

TEST_F(ServerLimits, AClientThatHasSpokenMayBeSilent) {
  ServeWith(With({.frame_timeout = absl::Milliseconds(5), .handshake_timeout = absl::Seconds(1)}));
  Front();
  auto quiet = std::move(peer_);
  peer_ = Dial();  // later than the other one, which the limit would have ended before this one
  ExpectEnd("handshake_timeout");
  peer_ = std::move(quiet);
  SendAdd(1, 1, 1);
  ExpectSum(1, 2);
}

// --- the peer is a server -----------------------------------------------------------------------

class ClientLimits : public ClientTest {
 protected:
  void Limit(const Limits& limits) {
    proxy_ = {};
    connection_->Close(absl::CancelledError("not used here"));
    limits_ = limits;
    Start(nullptr, "the server of the test");
    proxy_ = kitchen::CookProxy(Proxy::FromCapability(connection_->Bootstrap()));
  }
};

TEST_F(ClientLimits, ACallThatWouldExportTooMuchFailsAndIsNotSent) {
  Limit({.max_exports = 1});
  auto first = proxy_.async().Keep(std::make_shared<Parrot>());
  const absl::Status refused = proxy_.Keep(std::make_shared<Parrot>());
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("max_exports"));
  AnswerBootstrap(1);
  SendReturn(ExpectCall().getQuestionId(), [](protocol::Return::Builder ret) {
    ret.initResults();  // which gives the parameters' references back
  });
  EXPECT_EQ(first.Get(), absl::OkStatus());
  AwaitTableSizes({.questions = 0, .answers = 0, .exports = 0, .imports = 1});
  auto again = proxy_.async().Keep(std::make_shared<Parrot>());
  EXPECT_EQ(TableSizes().exports, 1u);
}

TEST_F(ClientLimits, AnAnswerWithTooManyImportsFailsAndEndsTheConnection) {
  Limit({.max_imports = 1});
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::RELEASE);
  AnswerBootstrap(1);
  auto kept = proxy_.async().Kept();
  ReturnListener(ExpectCall().getQuestionId(), 2);
  const absl::Status failed = kept.Get().status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("max_imports"));
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("max_imports"));
}

TEST_F(ClientLimits, CallsToAServerThatDoesNotReadFailAndAreNotSent) {
  Limit({.max_queued_bytes = kMaxFrame});
  const std::vector<uint8_t> data(kMaxFrame / 2);
  std::vector<Future<std::vector<uint8_t>>> sent;
  Future<std::vector<uint8_t>> refused;
  for (;;) {
    auto answer = proxy_.async().Echo(data);
    if (answer.ready()) {
      refused = std::move(answer);
      break;
    }
    sent.push_back(std::move(answer));
  }
  const absl::Status status = std::move(refused).Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_queued_bytes"));
  AnswerBootstrap(1);
  peer_->PassOver(protocol::Message::FINISH);
  for (size_t i = 0; i < sent.size(); ++i) {
    SendReturn(ExpectCall().getQuestionId(), [](protocol::Return::Builder ret) {
      ret.initResults().getContent().initAs<Wire::EchoResults>();
    });
    EXPECT_EQ(sent[i].Get().status(), absl::OkStatus());
  }
  auto sum = proxy_.async().Add(1, 2);
  ReturnSum(ExpectCall().getQuestionId(), 3);
  EXPECT_EQ(sum.Get().value(), 3u);
}

TEST_F(ClientLimits, AnAnswerThatStopsHalfwayEndsTheConnection) {
  Limit({.frame_timeout = absl::Milliseconds(5)});
  peer_->PassOver(protocol::Message::FINISH);
  AnswerBootstrap(1);
  auto sum = proxy_.async().Add(1, 2);
  ExpectCall();
  const uint32_t half = 0;
  peer_->SendBytes(&half, sizeof(half));
  const absl::Status failed = sum.Get().status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("frame_timeout"));
}

}  // namespace
}  // namespace drover::rpc
