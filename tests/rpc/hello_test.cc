// How Drover peers find out about each other, and what travels between them then and not before.
#include <unistd.h>

#include <memory>
#include <string>

#include "drover/node.capnp.h"
#include "drover/object/call_options.h"
#include "drover/object/server.h"
#include "drover/transport/dial.h"
#include "rpc/peer_fixture.h"
#include "support/temp_dir.h"

namespace drover::rpc {
namespace {

using protocol::Node;

class HelloToServer : public ServerTest {
 protected:
  // Not the default server, but what it is made of.
  void SendHello(uint32_t question, uint64_t nonce) {
    const uint32_t front = Front();
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall<Node>(m, question, protocol::NODE_HELLO);
      call.initTarget().setImportedCap(front);
      call.initParams().getContent().initAs<Node::HelloParams>().setVersion(1);
      if (nonce != 0) call.initExtension().initAs<protocol::CallExtension>().setNonce(nonce);
    });
  }
};

TEST_F(HelloToServer, WithoutANodeIsUnimplemented) {
  SendHello(0, 5);
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kUnimplemented);
}

TEST_F(HelloToServer, ExtensionsBeforeItAreNotRead) {
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kAdd);
    call.initTarget().setImportedCap(front);
    call.initParams().getContent().initAs<Wire::AddParams>().setA(3);
    // No such struct, and as one it would be a deadline that has passed.
    call.initExtension().setAs<capnp::Text>("of somebody else");
  });
  ExpectSum(1, 3);
}

TEST(HelloToAServer, ComesBackWithItsNonce) {
  testing_support::TempDir dir;
  auto server = Serve("unix://" + dir.path("cook"), std::make_shared<Cook>()).value();
  auto stream = transport::Dial(server.endpoint()).value();
  ScriptedPeer peer(base::UniqueFd(dup(stream->fd())));
  const uint32_t front = peer.Bootstrap();
  for (uint64_t nonce : {uint64_t{0}, uint64_t{0xfedcba9876543210}}) {
    peer.Send([&](protocol::Message::Builder m) {
      auto call = InitCall<Node>(m, 1, protocol::NODE_HELLO);
      call.initTarget().setImportedCap(front);
      call.initParams().getContent().initAs<Node::HelloParams>().setVersion(1);
      if (nonce != 0) call.initExtension().initAs<protocol::CallExtension>().setNonce(nonce);
    });
    const auto message = peer.ExpectReturn(1);
    const auto content = message->root().getReturn().getResults().getContent();
    EXPECT_EQ(content.getAs<Node::HelloResults>().getNonce(), nonce);
    peer.SendFinish(1);
  }
}

class HelloToClient : public ClientTest {
 protected:
  // The call goes with it, and is answered.
  void SayHello() {
    connection_->SayHello(*proxy_.capability());
    auto sum = proxy_.async().Add(1, 2);
    peer_->PassOver(protocol::Message::FINISH);
    AnswerBootstrap(1);
    const auto hello = ExpectCall();
    EXPECT_EQ(hello.getInterfaceId(), protocol::NODE_INTERFACE_ID);
    EXPECT_EQ(hello.getMethodId(), protocol::NODE_HELLO);
    question_ = hello.getQuestionId();
    nonce_ = hello.getExtension().getAs<protocol::CallExtension>().getNonce();
    EXPECT_NE(nonce_, 0u);
    const auto first = ExpectCall();
    EXPECT_FALSE(first.hasExtension());
    ReturnSum(first.getQuestionId(), 3);
    EXPECT_EQ(*sum.Get(), 3u);
  }
  void Answer(uint64_t nonce) {
    SendReturn(question_, [&](protocol::Return::Builder ret) {
      ret.initResults().getContent().initAs<Node::HelloResults>().setNonce(nonce);
    });
  }
  kitchen::CookProxy::Async patient() {
    return proxy_.async().With({.timeout = absl::Hours(1), .metadata = {{"tenant", "acme"}}});
  }

  // Nothing has been sent.
  void ExpectNothing() {
    peer_->SendBootstrap(900);
    peer_->ExpectReturn(900);
    peer_->SendFinish(900);
  }
  static std::string TenantOf(protocol::Call::Reader call) {
    if (!call.hasExtension()) return "";
    const auto metadata = call.getExtension().getAs<protocol::CallExtension>().getMetadata();
    return metadata.size() == 1 ? metadata[0].getValue() : "";
  }

  uint32_t question_ = 0;
  uint64_t nonce_ = 0;
};

TEST_F(HelloToClient, ThatComesBackWithItsNonceLetsMetadataTravel) {
  SayHello();
  Answer(nonce_);
  auto sum = proxy_.async().Add(0, 0);
  const auto plain = ExpectCall();
  EXPECT_FALSE(plain.hasExtension());  // there is nothing to tell
  ReturnSum(plain.getQuestionId(), 0);
  EXPECT_EQ(*sum.Get(), 0u);
  sum = patient().Add(1, 2);
  const auto call = ExpectCall();
  ASSERT_TRUE(call.hasExtension());
  const auto extension = call.getExtension().getAs<protocol::CallExtension>();
  EXPECT_GT(extension.getTimeoutNanos(), 3000u * 1'000'000'000);
  ASSERT_EQ(extension.getMetadata().size(), 1u);
  EXPECT_EQ(std::string(extension.getMetadata()[0].getKey()), "tenant");
  EXPECT_EQ(std::string(extension.getMetadata()[0].getValue()), "acme");
}

TEST_F(HelloToClient, ThatComesBackWithoutItsNonceLetsNothingTravel) {
  // A stock relay passes the call on, not the field.
  SayHello();
  Answer(0);
  auto sum = proxy_.async().Add(0, 0);
  ReturnSum(ExpectCall().getQuestionId(), 0);
  EXPECT_EQ(*sum.Get(), 0u);
  sum = patient().Add(1, 2);
  EXPECT_FALSE(ExpectCall().hasExtension());
}

// --- calls that have something to tell ----------------------------------------------------------

TEST_F(HelloToClient, KeepsCallsWithMetadataAndAllBehindThemUntilItIsAnswered) {
  SayHello();
  auto told = patient().Add(1, 1);
  auto behind = proxy_.async().Add(2, 2);
  ExpectNothing();
  Answer(nonce_);
  const auto first = ExpectCall();
  EXPECT_EQ(TenantOf(first), "acme");
  ReturnSum(first.getQuestionId(), 2);
  const auto second = ExpectCall();
  EXPECT_FALSE(second.hasExtension());
  ReturnSum(second.getQuestionId(), 4);
  EXPECT_EQ(*told.Get(), 2u);
  EXPECT_EQ(*behind.Get(), 4u);
}

TEST_F(HelloToClient, KeepsNoCallsWithADeadlineOnly) {
  SayHello();
  auto sum = proxy_.async().With({.timeout = absl::Hours(1)}).Add(1, 2);
  const auto call = ExpectCall();
  EXPECT_FALSE(call.hasExtension());
  ReturnSum(call.getQuestionId(), 3);
  EXPECT_EQ(*sum.Get(), 3u);
}

TEST_F(HelloToClient, ThatIsNotOneLetsCallsGoWithoutMetadata) {
  SayHello();
  auto told = patient().Add(1, 1);
  SendReturn(question_, [](protocol::Return::Builder ret) {
    ret.initException().setType(protocol::Exception::Type::UNIMPLEMENTED);
  });
  const auto call = ExpectCall();
  EXPECT_FALSE(call.hasExtension());
  ReturnSum(call.getQuestionId(), 2);
  EXPECT_EQ(*told.Get(), 2u);
}

TEST_F(HelloToClient, LetsNoCallGoThatWasCancelledMeanwhile) {
  SayHello();
  auto cancelled = patient().Add(1, 1);
  auto kept = patient().Add(2, 2);
  cancelled.Cancel();
  EXPECT_EQ(cancelled.Get().status().code(), absl::StatusCode::kCancelled);
  Answer(nonce_);
  const auto call = ExpectCall();
  EXPECT_EQ(call.getParams().getContent().getAs<Wire::AddParams>().getA(), 2u);
  ReturnSum(call.getQuestionId(), 4);
  EXPECT_EQ(*kept.Get(), 4u);
}

TEST_F(HelloToClient, ThatIsNeverAnsweredFailsWhatItKeptWithTheConnection) {
  SayHello();
  auto told = patient().Add(1, 1);
  peer_ = nullptr;
  EXPECT_EQ(told.Get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(HelloToClient, ThatIsNeverAnsweredKeepsNoMoreThanMayBeQueued) {
  SayHello();
  const std::vector<uint8_t> data(40 << 20);
  auto options = CallOptions{.metadata = {{"tenant", "acme"}}};
  auto first = proxy_.async().With(options).Echo(data);
  auto second = proxy_.async().With(options).Echo(data);
  auto third = proxy_.async().With(options).Echo(data);  // 64 MiB may wait, and one call more
  EXPECT_EQ(third.Get().status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace drover::rpc
