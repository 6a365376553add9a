// Clients and servers that share memory and keep to no rule.
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/transport/listener.h"
#include "rpc/hostile_fixture.h"
#include "support/memory_client.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;
using testing_support::MemoryClient;

// The server goes on, and so does its honest client.
class HostileMemory : public testing::Test {
 protected:
  HostileMemory() { ServeWith({}); }
  ~HostileMemory() override {
    client_.reset();
    cook_->gate.Open();
    EXPECT_EQ(Connect<kitchen::CookProxy>(server_->endpoint()).Add(2, 3).value(), 5u);
  }
  void ServeWith(const Limits& limits, absl::Duration ping = absl::ZeroDuration()) {
    client_.reset();
    server_.reset();
    server_ = Serve("unix://" + dir_.path("cook"), cook_,
                    {.limits = limits, .ping_interval = ping, .ping_timeout = ping})
                  .value();
    client_.emplace(server_->endpoint());
  }
  std::vector<std::byte> AddCall(uint32_t question) {
    return ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto call = InitCall(m, question, kAdd);
      call.initTarget().setImportedCap(client_->front());
      auto params = call.initParams().getContent().initAs<Wire::AddParams>();
      params.setA(question);
      params.setB(1);
    });
  }
  void ExpectWorks(uint32_t question) {
    client_->peer().SendBytes(AddCall(question));
    const auto message = client_->peer().ExpectReturn(question);
    EXPECT_EQ(
        message->root().getReturn().getResults().getContent().getAs<Wire::AddResults>().getSum(),
        question + 1);
    client_->peer().SendFinish(question);
  }
  // The connection ends, for this reason.
  void ExpectEnd(const std::string& reason) {
    log_.Await(reason);
    while (client_->peer().Receive() != nullptr) {
    }
  }
  ScriptedPeer& peer() { return client_->peer(); }
  // Part of a message, which is there for the server to read.
  void SendHalf() {
    const auto frame = AddCall(9);
    peer().SendBytes(std::span(frame).first(16));
  }

  testing_support::TempDir dir_;
  CapturedLog log_;
  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
  std::optional<Server> server_;
  std::optional<MemoryClient> client_;
};

TEST_F(HostileMemory, OfAnHonestClientWorks) {
  client_->AskAndGoOver();
  for (uint32_t question = 0; question < 100; ++question) ExpectWorks(question);
}

TEST_F(HostileMemory, IsNotSharedBeforeHello) {
  client_->CallNode(1, protocol::NODE_SHARE_MEMORY);
  const auto message = peer().ExpectReturn(1);
  EXPECT_TRUE(message->root().getReturn().isException());
  peer().SendFinish(1);
  ExpectWorks(2);
}

TEST_F(HostileMemory, IsSharedOnceForEachConnection) {
  client_->AskAndGoOver();
  client_->CallNode(1, protocol::NODE_SHARE_MEMORY);
  const auto message = peer().ExpectReturn(1);
  EXPECT_THAT(message->root().getReturn().getException().getReason().cStr(),
              HasSubstr("memory is shared already"));
  peer().SendFinish(1);
  ExpectWorks(2);
}

TEST_F(HostileMemory, IsReadFromWhenTheClientHasGoneOverAndNoSooner) {
  client_->Ask();
  // Calls still travel on the socket, and their answers in the ring.
  client_->peer().SendBytes(AddCall(5));
  client_->GoOver();
  const auto message = peer().ExpectReturn(5);
  EXPECT_TRUE(message->root().getReturn().isResults());
  ExpectWorks(6);
}

TEST_F(HostileMemory, WithAPositionBeyondTheRingEndsTheConnection) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  client_->spoiler().out_lane().head.store(uint64_t{1} << 40);
  ASSERT_EQ(send(client_->bell(), "x", 1, MSG_NOSIGNAL), 1);
  ExpectEnd("the peer's position in the shared memory is impossible");
}

TEST_F(HostileMemory, WithARecordThatIsNotOneEndsTheConnection) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  transport::SharedMemory& memory = client_->spoiler();
  const uint64_t head = memory.out_lane().head.load();
  const uint32_t record[2] = {1 << 30, 0};
  std::memcpy(memory.out() + head % MemoryClient::kRing, record, sizeof record);
  memory.out_lane().head.store(head + 64);
  ASSERT_EQ(send(client_->bell(), "x", 1, MSG_NOSIGNAL), 1);
  ExpectEnd("a record into the shared memory that is not one");
}

TEST_F(HostileMemory, ThatTookMoreThanWasWrittenEndsTheConnection) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  client_->spoiler().in_lane().tail.store(uint64_t{1} << 40);
  peer().Send([&](protocol::Message::Builder m) {  // an answer for which there must be room
    auto call = InitCall(m, 2, kEcho);
    call.initTarget().setImportedCap(client_->front());
    call.initParams().getContent().initAs<Wire::EchoParams>().initData(MemoryClient::kRing / 2);
  });
  peer().Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 3, kEcho);
    call.initTarget().setImportedCap(client_->front());
    call.initParams().getContent().initAs<Wire::EchoParams>().initData(MemoryClient::kRing);
  });
  log_.Await("the peer's position in the shared memory is impossible");
}

TEST_F(HostileMemory, OfAClientThatWritesOnToTheSocketEndsTheConnection) {
  client_->Ask();
  auto bytes = ScriptedPeer::Frame([&](protocol::Message::Builder m) {
    auto finish = m.initFinish();
    finish.setQuestionId(MemoryClient::kAsked);
    finish.setReleaseResultCaps(false);
  });
  const auto call = AddCall(5);
  bytes.insert(bytes.end(), call.begin(), call.end());
  peer().SendBytes(bytes);  // in one write
  log_.Await("wrote on to the socket after it had gone over");
}

TEST_F(HostileMemory, IsNoneOfAClientThatGivesTheAnswerUp) {
  client_->SayHello();
  client_->CallNode(MemoryClient::kAsked, protocol::NODE_SHARE_MEMORY);
  peer().SendFinish(MemoryClient::kAsked);  // perhaps before it was given
  peer().ExpectReturn(MemoryClient::kAsked);
  // Either it counts as going over, with nothing in the ring, or nothing has changed.
  client_.emplace(server_->endpoint());
  ExpectWorks(1);
}

// --- time ---------------------------------------------------------------------------------------

Limits Impatient() { return {.frame_timeout = absl::Milliseconds(50)}; }

TEST_F(HostileMemory, WithAMessageThatStaysUnfinishedEndsTheConnection) {
  ServeWith(Impatient());
  client_->AskAndGoOver();
  SendHalf();
  ExpectEnd("limits.frame_timeout");
}

TEST_F(HostileMemory, WithAMessageThatStaysUnfinishedWhileTheBellRingsEndsTheConnection) {
  ServeWith(Impatient());
  client_->AskAndGoOver();
  SendHalf();
  std::atomic<bool> done{false};
  const base::UniqueFd bell(dup(client_->bell()));
  std::thread ringer([&] {
    while (!done.load()) send(bell.get(), "xxxxxxxx", 8, MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  ExpectEnd("limits.frame_timeout");
  done = true;
  ringer.join();
}

TEST_F(HostileMemory, WhosePositionMovesWithoutABellEndsTheConnection) {
  ServeWith(Impatient());
  client_->AskAndGoOver();
  SendHalf();
  // More of it is there, and nobody is told.
  transport::Lane& lane = client_->spoiler().out_lane();
  std::atomic<bool> done{false};
  std::thread mover([&] {
    const uint64_t head = lane.head.load();
    while (!done.load()) lane.head.store(head);
  });
  ExpectEnd("limits.frame_timeout");
  done = true;
  mover.join();
}

TEST_F(HostileMemory, OfAClientThatAnswersNoPingWhileTheBellRingsEndsTheConnection) {
  ServeWith({}, /*ping=*/absl::Milliseconds(50));
  client_->AskAndGoOver();
  std::atomic<bool> done{false};
  const base::UniqueFd bell(dup(client_->bell()));
  std::thread ringer([&] {
    while (!done.load()) send(bell.get(), "xxxxxxxx", 8, MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  log_.Await("no answer to a ping");
  done = true;
  ringer.join();
}

TEST_F(HostileMemory, ThatIsKeptFullAfterTheEndHoldsNobody) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  // Calls without end, to a server that shuts down meanwhile.
  std::atomic<bool> done{false};
  std::thread writer([&] {
    const auto call = AddCall(2);
    while (!done.load()) {
      peer().SendBytes(call);
      client_->spoiler().in_lane().tail.store(client_->spoiler().in_lane().head.load());
    }
  });
  server_->Shutdown(absl::ZeroDuration());
  server_.reset();
  done = true;
  writer.join();
  server_ = Serve("unix://" + dir_.path("cook"), cook_).value();
}

TEST_F(HostileMemory, ThatIsRewrittenAllTheTimeHarmsNobody) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  transport::SharedMemory& memory = client_->spoiler();
  std::atomic<bool> done{false};
  std::thread rewriter([&] {
    for (uint64_t i = 1; !done.load(std::memory_order_relaxed); i = i * 6364136223846793005u + 1) {
      memory.out()[i >> 46] ^= static_cast<std::byte>(i >> 20);
    }
  });
  const auto call = AddCall(2);
  const iovec piece{const_cast<std::byte*>(call.data()), call.size()};
  for (int i = 0; i < 2'000; ++i) peer().SendBytes({static_cast<std::byte*>(piece.iov_base), 64});
  done = true;
  rewriter.join();
  client_.emplace(server_->endpoint());
  ExpectWorks(1);
}

// --- servers ------------------------------------------------------------------------------------

// A server made by hand, at a shm:// endpoint, up to the client's request for memory.
class HostileMemoryServer : public testing::Test {
 protected:
  HostileMemoryServer()
      : listener_(transport::Listener::Listen(Endpoint::Parse("shm://" + dir_.path("cook")).value())
                      .value()),
        proxy_(Connect<kitchen::CookProxy>(listener_->endpoint())) {
    answer_ = proxy_.async().Add(1, 2);
    while (stream_ == nullptr) stream_ = listener_->Accept().value();
    peer_ = std::make_unique<ScriptedPeer>(base::UniqueFd(dup(stream_->fd())));
    peer_->PassOver(protocol::Message::FINISH);
    peer_->PassOver(protocol::Message::RELEASE);
    AnswerBootstrap();
    const auto hello = peer_->Expect(protocol::Message::CALL);
    const auto call = hello->root().getCall();
    EXPECT_EQ(call.getMethodId(), protocol::NODE_HELLO);
    nonce_ = call.getExtension().getAs<protocol::CallExtension>().getNonce();
    hello_ = call.getQuestionId();
  }
  void AnswerBootstrap() {
    const auto bootstrap = peer_->Expect(protocol::Message::BOOTSTRAP);
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(bootstrap->root().getBootstrap().getQuestionId());
      auto payload = ret.initResults();
      SetCapPointer(payload.getContent(), 0);
      payload.initCapTable(1)[0].setSenderHosted(0);
    });
  }
  void AnswerHello(uint64_t nonce) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(hello_);
      ret.initResults().getContent().initAs<protocol::Node::HelloResults>().setNonce(nonce);
    });
  }
  uint32_t ExpectRequest() {
    AnswerHello(nonce_);
    AnswerBootstrap();
    const auto request = peer_->Expect(protocol::Message::CALL);
    EXPECT_EQ(request->root().getCall().getMethodId(), protocol::NODE_SHARE_MEMORY);
    return request->root().getCall().getQuestionId();
  }
  void Offer(std::vector<int> fds) {
    const uint32_t question = ExpectRequest();
    const auto frame = ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(question);
      ret.initResults().getContent().initAs<protocol::Node::ShareMemoryResults>();
    });
    const iovec piece{const_cast<std::byte*>(frame.data()), frame.size()};
    const auto sent =
        fds.empty() ? stream_->Write({&piece, 1}) : stream_->WriteWithFds({&piece, 1}, fds);
    EXPECT_EQ(sent.bytes, frame.size());
  }
  void ExpectFailure(absl::StatusCode code, const std::string& why) {
    const absl::Status status = answer_.Get().status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
    EXPECT_THAT(std::string(status.message()), HasSubstr(listener_->endpoint().ToString()));
  }

  testing_support::TempDir dir_;
  std::unique_ptr<transport::Listener> listener_;
  kitchen::CookProxy proxy_;
  Future<uint32_t> answer_;
  std::unique_ptr<transport::ByteStream> stream_;
  std::unique_ptr<ScriptedPeer> peer_;
  uint64_t nonce_ = 0;
  uint32_t hello_ = 0;
  std::pair<base::UniqueFd, base::UniqueFd> bell_ = testing_support::SocketPair();
};

TEST_F(HostileMemoryServer, ThatIsNotDroverFailsCallsNamingTheEndpoint) {
  AnswerHello(nonce_ + 1);
  ExpectFailure(absl::StatusCode::kFailedPrecondition, "the peer is not Drover");
}

TEST_F(HostileMemoryServer, ThatDeclinesFailsCallsNamingTheEndpoint) {
  const uint32_t question = ExpectRequest();
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(question);
    ret.initException().setReason("not today");
  });
  ExpectFailure(absl::StatusCode::kFailedPrecondition, "not today");
}

TEST_F(HostileMemoryServer, ThatSendsNoMemoryLosesTheConnection) {
  Offer({});
  ExpectFailure(absl::StatusCode::kUnavailable, "but sent none");
}

TEST_F(HostileMemoryServer, ThatSendsMemoryWhichIsNotSealedLosesTheConnection) {
  const base::UniqueFd memory(memfd_create("a-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(memory.get(), 4096 + (128 << 10)), 0);
  Offer({memory.get(), bell_.first.get()});
  ExpectFailure(absl::StatusCode::kUnavailable, "is not sealed");
}

TEST_F(HostileMemoryServer, ThatSendsTooMuchMemoryLosesTheConnection) {
  auto made = transport::SharedMemory::Make(16 << 20).value();
  Offer({made.fd.get(), bell_.first.get()});
  ExpectFailure(absl::StatusCode::kUnavailable, "the limit is");
}

TEST_F(HostileMemoryServer, ThatSendsNoSocketForTheBellLosesTheConnection) {
  auto made = transport::SharedMemory::Make(64 << 10).value();
  Offer({made.fd.get(), made.fd.get()});
  ExpectFailure(absl::StatusCode::kUnavailable, "not a UNIX socket");
}

TEST_F(HostileMemoryServer, ThatRunsOutOfTheRingLosesTheConnection) {
  auto made = transport::SharedMemory::Make(64 << 10).value();
  made.memory->out_lane().head.store(uint64_t{1} << 33);
  Offer({made.fd.get(), bell_.first.get()});
  ExpectFailure(absl::StatusCode::kUnavailable, "position in the shared memory is impossible");
}

TEST_F(HostileMemoryServer, ThatDiesBehindTheOfferLosesTheConnection) {
  auto made = transport::SharedMemory::Make(64 << 10).value();
  Offer({made.fd.get(), bell_.first.get()});
  bell_.first.Reset();
  bell_.second.Reset();
  ExpectFailure(absl::StatusCode::kUnavailable, "ended");
}

}  // namespace
}  // namespace drover::rpc
