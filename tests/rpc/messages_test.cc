// Messages that a connection does not know, does not accept, or that end it.
#include <string>

#include "drover/object/fields_internal.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using Messages = ServerTest;

TEST_F(Messages, OfHigherLevelsAreEchoedAsUnimplemented) {
  Front();
  using Set = void (*)(protocol::Message::Builder);
  const Set kinds[] = {
      [](protocol::Message::Builder m) { m.initObsoleteSave().initAsAnyStruct(1, 0); },
      [](protocol::Message::Builder m) { m.initObsoleteDelete().initAsAnyStruct(1, 0); },
      [](protocol::Message::Builder m) { m.initProvide().initAsAnyStruct(1, 0); },
      [](protocol::Message::Builder m) { m.initAccept().initAsAnyStruct(1, 0); },
      [](protocol::Message::Builder m) { m.initJoin().initAsAnyStruct(1, 0); },
      [](protocol::Message::Builder m) { m.initThirdPartyAnswer().initAsAnyStruct(1, 0); },
  };
  for (Set set : kinds) {
    peer_->Send(set);
    capnp::MallocMessageBuilder sent;
    set(sent.initRoot<protocol::Message>());
    auto message = peer_->Expect(protocol::Message::UNIMPLEMENTED);
    EXPECT_EQ(message->root().getUnimplemented().which(),
              sent.getRoot<protocol::Message>().which());
  }
  ExpectNothing();
}

TEST_F(Messages, OfAFutureKindAreEchoedWhole) {
  Front();
  const auto frame = ScriptedPeer::Frame([](protocol::Message::Builder m) {
    m.initRelease().setId(0xabcdef);
    object::SetDiscriminant(m, 0, 4711);
  });
  peer_->SendBytes(frame);
  auto message = peer_->Expect(protocol::Message::UNIMPLEMENTED);
  capnp::AnyStruct::Reader echo(message->root().getUnimplemented());
  EXPECT_EQ(echo.getDataSection()[0] + echo.getDataSection()[1] * 256, 4711);
  EXPECT_EQ(echo.getPointerSection()[0].getAs<protocol::Release>().getId(), 0xabcdefu);
  ExpectNothing();
}

TEST_F(Messages, OfAFutureKindWithCapabilitiesAreEchoed) {
  Front();
  const auto frame = ScriptedPeer::Frame([](protocol::Message::Builder m) {
    auto payload = InitCall(m, 3, kPass).initParams();
    SetCapPointer(object::PointerAt(payload.getContent().initAs<Wire::PassParams>(), 0), 0);
    payload.initCapTable(1)[0].setSenderHosted(5);
    object::SetDiscriminant(m, 0, 4711);
  });
  peer_->SendBytes(frame);
  auto message = peer_->Expect(protocol::Message::UNIMPLEMENTED);
  capnp::AnyStruct::Reader echo(message->root().getUnimplemented());
  const auto call = echo.getPointerSection()[0].getAs<protocol::Call>();
  EXPECT_EQ(call.getQuestionId(), 3u);
  EXPECT_EQ(call.getParams().getCapTable()[0].getSenderHosted(), 5u);
  ExpectNothing();
}

TEST_F(Messages, UnimplementedForWhatNeedsNoAnswerIsIgnored) {
  Front();
  peer_->Send([](protocol::Message::Builder m) { m.initUnimplemented().initRelease(); });
  peer_->Send([](protocol::Message::Builder m) { m.initUnimplemented().initFinish(); });
  peer_->Send([](protocol::Message::Builder m) { m.initUnimplemented().initUnimplemented(); });
  ExpectNothing();
}

TEST_F(Messages, UnimplementedForAQuestionThatWasNotAskedEndsTheConnection) {
  Front();
  peer_->Send(
      [](protocol::Message::Builder m) { m.initUnimplemented().initCall().setQuestionId(3); });
  EXPECT_THAT(peer_->ExpectAbort(), testing::HasSubstr("question 3"));
}

TEST_F(Messages, UnimplementedForADisembargoEndsTheConnection) {
  // Nothing would ever let the calls go that wait for it.
  Front();
  peer_->Send([](protocol::Message::Builder m) {
    m.initUnimplemented().initDisembargo().getContext().setSenderLoopback(0);
  });
  EXPECT_THAT(peer_->ExpectAbort(), testing::HasSubstr("Disembargo"));
}

TEST_F(Messages, AbortEndsTheConnectionAndCancelsItsCalls) {
  SendPlain(0, kWait);
  cook_->gate.AwaitArrivals(1);
  peer_->Send([](protocol::Message::Builder m) { m.initAbort().setReason("enough"); });
  cook_->gate.AwaitCancellations(1);
  EXPECT_TRUE(peer_->AtEnd());
  EXPECT_FALSE(connection_->open());
  EXPECT_EQ(TableSizes(), (Sizes{0, 0, 0, 0}));
}

TEST_F(Messages, EndOfTheStreamCancelsTheCallsOfThePeer) {
  SendPlain(0, kWait);
  cook_->gate.AwaitArrivals(1);
  peer_->Close();
  cook_->gate.AwaitCancellations(1);
}

}  // namespace
}  // namespace drover::rpc
