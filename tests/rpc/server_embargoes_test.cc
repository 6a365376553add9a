// Disembargoes that a Drover server receives: one test for each rule.
#include <string>

#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;

using Embargoes = ServerTest;

TEST_F(Embargoes, DisembargoIsAnsweredBehindTheCallsForwardedBeforeIt) {
  SendWithCap(0, kPass, Hosted(7));
  SendHeard(1, 0, {0}, "a");
  SendHeard(2, 0, {0}, "b");
  EXPECT_TRUE(ExpectCap(0).isReceiverHosted());
  peer_->Send([](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    auto answer = disembargo.initTarget().initPromisedAnswer();
    answer.setQuestionId(0);
    answer.initTransform(1)[0].setGetPointerField(0);
    disembargo.getContext().setSenderLoopback(42);
  });
  for (const char* text : {"a", "b"}) {
    received_ = peer_->Expect(protocol::Message::CALL);
    const auto call = received_->root().getCall();
    EXPECT_EQ(call.getTarget().getImportedCap(), 7u);
    EXPECT_EQ(
        std::string(call.getParams().getContent().getAs<WireListener::HeardParams>().getText()),
        text);
  }
  received_ = peer_->Expect(protocol::Message::DISEMBARGO);
  const auto disembargo = received_->root().getDisembargo();
  ASSERT_TRUE(disembargo.getContext().isReceiverLoopback());
  EXPECT_EQ(disembargo.getContext().getReceiverLoopback(), 42u);
  EXPECT_EQ(disembargo.getTarget().getImportedCap(), 7u);
}

TEST_F(Embargoes, DisembargoOfAPromiseThatBecameThePeersObjectIsAnswered) {
  SendPlain(0, kMakeCook);
  const uint32_t other = ExpectHosted(0);
  SendWithCap(1, kKeep, Hosted(7));
  peer_->ExpectReturn(1);
  SendPlain(2, kLater);
  cook_->gate.AwaitArrivals(1);
  SendWithCap(3, kKeep, Answer(2), other);
  peer_->ExpectReturn(3);
  cook_->gate.Open();
  EXPECT_TRUE(ExpectCap(2).isReceiverHosted());
  SendPlain(4, kKept, other);
  Descriptor::Reader cap = ExpectCap(4);
  ASSERT_TRUE(cap.isReceiverHosted());
  EXPECT_EQ(cap.getReceiverHosted(), 7u);
  peer_->Send([](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    auto answer = disembargo.initTarget().initPromisedAnswer();
    answer.setQuestionId(4);
    answer.initTransform(1)[0].setGetPointerField(0);
    disembargo.getContext().setSenderLoopback(1);
  });
  received_ = peer_->Expect(protocol::Message::DISEMBARGO);
  EXPECT_EQ(received_->root().getDisembargo().getContext().getReceiverLoopback(), 1u);
}

TEST_F(Embargoes, DisembargoOfWhatIsNotThePeersEndsTheConnection) {
  SendPlain(0, kKept);
  ExpectHosted(0);
  peer_->Send([](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    auto answer = disembargo.initTarget().initPromisedAnswer();
    answer.setQuestionId(0);
    answer.initTransform(1)[0].setGetPointerField(0);
    disembargo.getContext().setSenderLoopback(1);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("Disembargo"));
}

TEST_F(Embargoes, DisembargoOfAnUnknownAnswerEndsTheConnection) {
  Front();
  peer_->Send([](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    disembargo.initTarget().initPromisedAnswer().setQuestionId(88);
    disembargo.getContext().setSenderLoopback(1);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("Disembargo"));
}

TEST_F(Embargoes, DisembargoThatAnswersNoneEndsTheConnection) {
  Front();
  peer_->Send([](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    disembargo.initTarget().setImportedCap(0);
    disembargo.getContext().setReceiverLoopback(1);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("Disembargo"));
}

}  // namespace
}  // namespace drover::rpc
