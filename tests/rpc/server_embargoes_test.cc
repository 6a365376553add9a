// Disembargoes that a Drover server receives: one test for each rule.
#include <memory>
#include <string>
#include <utility>

#include "drover/object/fields_internal.h"
#include "rpc/promises_fixture.h"

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

TEST_F(Embargoes, DisembargoOfAnUnknownExportEndsTheConnection) {
  Front();
  peer_->Send([](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    disembargo.initTarget().setImportedCap(88);
    disembargo.getContext().setSenderLoopback(1);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("unknown export"));
}

TEST_F(Embargoes, DisembargoOfWhatWasNoPromiseEndsTheConnection) {
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    disembargo.initTarget().setImportedCap(front);
    disembargo.getContext().setSenderLoopback(1);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("never a promise"));
}

TEST_F(Embargoes, DisembargoOfAHigherLevelEndsTheConnection) {
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    disembargo.initTarget().setImportedCap(front);
    disembargo.getContext().initAccept(8);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("not asked for"));
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

// A promise of ours that becomes a promise of the peer's. What is sent to ours goes that way, and
// the echo comes back to the promise that the Resolve named.
class EmbargoesOfPromises : public Promises {
 protected:
  void SendDisembargo(uint32_t target, uint32_t embargo) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto disembargo = m.initDisembargo();
      disembargo.initTarget().setImportedCap(target);
      disembargo.getContext().setSenderLoopback(embargo);
    });
  }
  void ExpectEcho(uint32_t target, uint32_t embargo) {
    received_ = peer_->Expect(protocol::Message::DISEMBARGO);
    const auto echo = received_->root().getDisembargo();
    EXPECT_EQ(echo.getTarget().getImportedCap(), target);
    ASSERT_TRUE(echo.getContext().isReceiverLoopback());
    EXPECT_EQ(echo.getContext().getReceiverLoopback(), embargo);
  }
};

TEST_F(EmbargoesOfPromises, DisembargoComesBackToThePromiseOfThePeer) {
  KeepPromise(9);
  const uint32_t promise = ExportedPromise();
  EXPECT_EQ(ResolveExported(promise).getCap().getReceiverHosted(), 9u);
  SendHeardTo(30, promise, "a");
  SendDisembargo(promise, 3);
  EXPECT_EQ(ExpectHeard("a").getTarget().getImportedCap(), 9u);
  ExpectEcho(9, 3);
}

TEST_F(EmbargoesOfPromises, DisembargoComesBackToThePromiseOfThePeerThatIsOursByThen) {
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  const uint32_t promise = ExportedPromise();
  EXPECT_EQ(ResolveExported(promise).getCap().getReceiverHosted(), 9u);
  SendResolve(9, Ours(ours));
  SendHeardTo(30, promise, "a");
  ExpectReply(30, "recorded a");
  SendDisembargo(promise, 3);
  ExpectEcho(9, 3);
}

TEST_F(EmbargoesOfPromises, AreNeededForThePeersObjectThatIsReachedThroughOurs) {
  KeepPromise(7);
  const uint32_t promise = ExportedPromise();
  SendResolve(7, Theirs(8));
  ExpectNothing();
  EXPECT_EQ(ResolveExported(promise).getCap().getReceiverHosted(), 8u);
  SendWithCap(0, kKeep, Promise(9));
  peer_->ExpectReturn(0);
  const kitchen::ListenerProxy kept = *cook_->Kept();
  auto first = kept.async().Heard("first");
  EXPECT_EQ(ExpectHeard("first").getTarget().getImportedCap(), 9u);
  // The first call comes back to our promise, and goes on to 8 from here.
  SendResolve(9, Ours(promise));
  received_ = peer_->Expect(protocol::Message::DISEMBARGO);
  EXPECT_EQ(received_->root().getDisembargo().getTarget().getImportedCap(), 9u);
  const uint32_t embargo = received_->root().getDisembargo().getContext().getSenderLoopback();
  auto second = kept.async().Heard("second");
  SendHeardTo(30, promise, "first");
  EXPECT_EQ(ExpectHeard("first").getTarget().getImportedCap(), 8u);
  peer_->Send([&](protocol::Message::Builder m) {
    auto back = m.initDisembargo();
    back.initTarget().setImportedCap(promise);
    back.getContext().setReceiverLoopback(embargo);
  });
  EXPECT_EQ(ExpectHeard("second").getTarget().getImportedCap(), 8u);
}

// What the peer names is ours, and has turned out to be the peer's own object 8 before it names it.
// What it sends there comes here first.
class EmbargoesOfWhatGoesHome : public Promises {
 protected:
  EmbargoesOfWhatGoesHome() {
    SendWithCap(1, kKeep, Theirs(8));
    peer_->ExpectReturn(1);
    theirs_ = *cook_->Kept();
  }
  ~EmbargoesOfWhatGoesHome() override {
    if (second_connection_) second_connection_->Close(absl::CancelledError("the test is over"));
  }

  // The export of a promise that another peer made, and has resolved to object 8.
  uint32_t ExportPromiseOfAnotherConnection() {
    auto [ours, others] = testing_support::SocketPair();
    ConnectionOptions options;
    options.name = "another peer";
    second_connection_ =
        Connection::Create(transport::SocketStream::Make(std::move(ours), "unix"), options);
    other_peer_ = std::make_unique<ScriptedPeer>(std::move(others));
    other_peer_->PassOver(protocol::Message::BOOTSTRAP);
    other_peer_->PassOver(protocol::Message::FINISH);
    const kitchen::CookProxy other(Proxy::FromCapability(second_connection_->Bootstrap()));
    auto passed = other.async().Pass(theirs_);
    received_ = other_peer_->Expect(protocol::Message::CALL);
    const auto call = received_->root().getCall();
    const uint32_t theirs = call.getParams().getCapTable()[0].getSenderHosted();
    other_peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(call.getQuestionId());
      ret.setReleaseParamCaps(false);
      auto payload = ret.initResults();
      SetCapPointer(object::PointerAt(payload.getContent().initAs<Wire::PassResults>(), 0), 0);
      payload.initCapTable(1)[0].setSenderPromise(20);
    });
    EXPECT_TRUE(cook_->Keep(*passed.Get()).ok());
    SendPlain(2, kKept);
    const uint32_t promise = ExpectCap(2).getSenderPromise();
    other_peer_->Send([&](protocol::Message::Builder m) {
      auto resolve = m.initResolve();
      resolve.setPromiseId(20);
      resolve.initCap().setReceiverHosted(theirs);
    });
    received_ = peer_->Expect(protocol::Message::RESOLVE);
    EXPECT_EQ(received_->root().getResolve().getCap().getReceiverHosted(), 8u);
    return promise;
  }
  // A promise of the peer's, through which a call has gone.
  kitchen::ListenerProxy UsedPromise() {
    KeepPromise(9);
    kitchen::ListenerProxy kept = *cook_->Kept();
    first_ = kept.async().Heard("first");
    EXPECT_EQ(ExpectHeard("first").getTarget().getImportedCap(), 9u);
    return kept;
  }
  // The same inside the result of a call of ours that the peer has not answered; its question.
  uint32_t UsePromiseInside(const kitchen::ListenerProxy::Async& listener) {
    first_ = listener.Heard("first");
    const uint32_t question =
        peer_->Expect(protocol::Message::CALL)->root().getCall().getQuestionId();
    ExpectHeard("first");
    return question;
  }
  protocol::Disembargo::Reader ExpectDisembargo() {
    received_ = peer_->Expect(protocol::Message::DISEMBARGO);
    const auto disembargo = received_->root().getDisembargo();
    embargo_ = disembargo.getContext().getSenderLoopback();
    return disembargo;
  }
  // The first call has come back to what is ours, and the Disembargo follows it.
  void ExpectOrder(const kitchen::ListenerProxy::Async& listener) {
    auto second = listener.Heard("second");
    SendReceiverLoopback(0, embargo_);
    EXPECT_EQ(ExpectHeard("first").getTarget().getImportedCap(), 8u);
    EXPECT_EQ(ExpectHeard("second").getTarget().getImportedCap(), 8u);
  }

  kitchen::ListenerProxy theirs_;
  Future<std::string> first_;
  uint32_t embargo_ = 0;
  base::Ref<Connection> second_connection_;
  std::unique_ptr<ScriptedPeer> other_peer_;
};

TEST_F(EmbargoesOfWhatGoesHome, AreNeededForAPromiseOfAnotherConnection) {
  const uint32_t promise = ExportPromiseOfAnotherConnection();
  const kitchen::ListenerProxy kept = UsedPromise();
  SendResolve(9, Ours(promise));
  EXPECT_EQ(ExpectDisembargo().getTarget().getImportedCap(), 9u);
  SendHeardTo(30, promise, "first");
  ExpectOrder(kept.async());
}

TEST_F(EmbargoesOfWhatGoesHome, AreNeededForAnAnswerOfOurs) {
  SendWithCap(10, kPass, Theirs(8));
  EXPECT_EQ(ExpectCap(10).getReceiverHosted(), 8u);
  const kitchen::ListenerProxy kept = UsedPromise();
  SendResolve(9, Answer(10));
  EXPECT_EQ(ExpectDisembargo().getTarget().getImportedCap(), 9u);
  SendHeard(30, 10, {0}, "first");
  ExpectOrder(kept.async());
}

TEST_F(EmbargoesOfWhatGoesHome, AreNeededWhereAReturnNamesThem) {
  const uint32_t promise = ExportPromiseOfAnotherConnection();
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  const kitchen::CookProxy peer(Proxy::FromCapability(connection_->Bootstrap()));
  auto call = peer.async().Kept();
  const auto listener = call.Pipeline();
  const uint32_t question = UsePromiseInside(listener);
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(question);
    auto payload = ret.initResults();
    SetCapPointer(object::PointerAt(payload.getContent().initAs<Wire::KeptResults>(), 0), 0);
    payload.initCapTable(1)[0].setReceiverHosted(promise);
  });
  EXPECT_EQ(ExpectDisembargo().getTarget().getPromisedAnswer().getQuestionId(), question);
  SendHeardTo(30, promise, "first");
  ExpectOrder(listener);
}

TEST_F(EmbargoesOfWhatGoesHome, AreNeededForTheResultsOfATailCall) {
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  const kitchen::CookProxy peer(Proxy::FromCapability(connection_->Bootstrap()));
  auto call = peer.async().Kept();
  const auto listener = call.Pipeline();
  const uint32_t question = UsePromiseInside(listener);
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto tail = InitCall(m, 20, kKept);
    tail.initTarget().setImportedCap(front);
    tail.getSendResultsTo().setYourself();
  });
  peer_->ExpectReturn(20);
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(question);
    ret.setTakeFromOtherQuestion(20);
  });
  EXPECT_EQ(ExpectDisembargo().getTarget().getPromisedAnswer().getQuestionId(), question);
  peer_->PassOver(protocol::Message::RETURN);  // the call is answered by a tail call
  SendHeard(30, 20, {0}, "first");
  ExpectOrder(listener);
}

}  // namespace
}  // namespace drover::rpc
