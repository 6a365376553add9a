// Capabilities that travel to and from a Drover server, and when they are released: one test for
// each rule.
#include <string>
#include <utility>

#include "drover/base/status_macros.h"
#include "drover/object/fields_internal.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;
using Descriptor = protocol::CapDescriptor;

class References : public ServerTest {
 protected:
  using ServerTest::ServerTest;

  static Describe Hosted(uint32_t id) {
    return [id](Descriptor::Builder d) { d.setSenderHosted(id); };
  }
  static Describe Answer(uint32_t question) {
    return [question](Descriptor::Builder d) {
      auto answer = d.initReceiverAnswer();
      answer.setQuestionId(question);
      answer.initTransform(1)[0].setGetPointerField(0);
    };
  }
  // The one capability of a Return.
  Descriptor::Reader ExpectCap(uint32_t question) {
    received_ = peer_->ExpectReturn(question);
    auto caps = received_->root().getReturn().getResults().getCapTable();
    if (caps.size() != 1) {
      ADD_FAILURE() << kj::str(received_->root()).cStr();
      return {};
    }
    return caps[0];
  }

  ScriptedPeer::Received received_;
};

TEST_F(References, ToThePeersObjectsAreCalledAndReleased) {
  SendWithCap(0, kTell, Hosted(5));
  AnswerHeard(5, "news", "really");
  ExpectReturnAndRelease(0, 5, 1);
  EXPECT_EQ(TableSizes().imports, 0u);
}

TEST_F(References, ReceivedSeveralTimesAreReleasedAsOften) {
  for (uint32_t i = 0; i < 3; ++i) {
    SendWithCap(i, kKeep, Hosted(5));
    peer_->ExpectReturn(i);
    peer_->SendFinish(i);
  }
  EXPECT_EQ(TableSizes().imports, 1u);
  SendWithCap(3, kKeep, [](Descriptor::Builder d) { d.setNone(); });
  ExpectReturnAndRelease(3, 5, 3);
  ExpectNothing();
}

TEST_F(References, MayHaveAnyId) {
  for (uint32_t id : {0u, 1023u, 1024u, 0x80000000u, 0xffffffffu}) {
    SendWithCap(0, kKeep, Hosted(id));
    peer_->ExpectReturn(0);
    peer_->SendFinish(0);
    SendPlain(1, kKept);
    Descriptor::Reader cap = ExpectCap(1);
    ASSERT_TRUE(cap.isReceiverHosted());
    EXPECT_EQ(cap.getReceiverHosted(), id);
    peer_->SendFinish(1);
    SendWithCap(2, kKeep, [](Descriptor::Builder d) { d.setNone(); });
    ExpectReturnAndRelease(2, id, 1);
    peer_->SendFinish(2);
  }
}

TEST_F(References, ToThePeersObjectsGoBackAsReceiverHosted) {
  SendWithCap(0, kPass, Hosted(7));
  Descriptor::Reader cap = ExpectCap(0);
  ASSERT_TRUE(cap.isReceiverHosted());
  EXPECT_EQ(cap.getReceiverHosted(), 7u);
}

TEST_F(References, ToOwnObjectsComeHomeAsReceiverHosted) {
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  SendWithCap(1, kPass, [id](Descriptor::Builder d) { d.setReceiverHosted(id); });
  EXPECT_EQ(ExpectHosted(1), id);  // the object itself, not something that forwards to it
}

TEST_F(References, ToOneObjectHaveOneExport) {
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  SendPlain(1, kKept);
  EXPECT_EQ(ExpectHosted(1), id);
  // Two references: the first Finish takes one of them, the second the other.
  peer_->SendFinish(0);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 2u);
  peer_->SendFinish(1);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 1u);  // the front object
}

TEST_F(References, ReceiverHostedThatDoesNotExistBreaksThatCapabilityOnly) {
  SendWithCap(0, kTell, [](Descriptor::Builder d) { d.setReceiverHosted(99); });
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kInvalidArgument);
  ExpectNothing();
}

TEST_F(References, ToAResolvedAnswerAreWhatItHolds) {
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  SendWithCap(1, kPass, Answer(0));
  EXPECT_EQ(ExpectHosted(1), id);
}

TEST_F(References, ToAPendingAnswerWaitForIt) {
  SendPlain(0, kMakeCook);
  const uint32_t other = ExpectHosted(0);
  SendPlain(1, kLater);
  cook_->gate.AwaitArrivals(1);
  SendWithCap(2, kTell, Answer(1), other);
  ExpectNothing();
  cook_->gate.Open();
  peer_->ExpectReturn(1);
  ExpectReply(2, "heard news");
}

TEST_F(References, ToAPendingAnswerThatFailsFailWithIt) {
  SendPlain(0, kMakeCook);
  const uint32_t other = ExpectHosted(0);
  SendPlain(1, kLater);
  cook_->gate.AwaitArrivals(1);
  SendWithCap(2, kTell, Answer(1), other);
  ExpectNothing();
  peer_->SendFinish(1);
  EXPECT_TRUE(peer_->ExpectReturn(1)->root().getReturn().isCanceled());
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kCancelled);
}

TEST_F(References, ToAnAnswerThatDoesNotExistAreBroken) {
  SendWithCap(0, kTell, Answer(66));
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(References, ToTheAnswerOfTheirOwnCallAreBroken) {
  // Pass would answer with a promise of its own answer.
  peer_->PassOver(protocol::Message::RESOLVE);
  SendWithCap(0, kPass, Answer(0));
  peer_->ExpectReturn(0);
  SendHeard(1, 0, {0}, "who");
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
  ExpectNothing();
}

// Later gives what another cook keeps.
class Borrower final : public Cook {
 public:
  const std::shared_ptr<Cook> other = std::make_shared<Cook>();

  absl::StatusOr<kitchen::CookProxy> MakeCook() override { return kitchen::CookProxy(other); }
  absl::StatusOr<kitchen::ListenerProxy> Later() override {
    DROVER_RETURN_IF_ERROR(gate.Pass());
    return other->Kept();
  }
};

class BorrowedReferences : public References {
 protected:
  BorrowedReferences() : References(std::make_shared<Borrower>()) {}
};

TEST_F(BorrowedReferences, ThatTurnOutToBeThemselvesAreBroken) {
  peer_->PassOver(protocol::Message::RESOLVE);
  SendPlain(0, kMakeCook);
  const uint32_t other = ExpectHosted(0);
  SendPlain(1, kLater);
  cook_->gate.AwaitArrivals(1);
  SendWithCap(2, kKeep, Answer(1), other);
  peer_->ExpectReturn(2);
  cook_->gate.Open();  // the answer of 1 is what the other keeps, which is the answer of 1
  peer_->ExpectReturn(1);
  SendHeard(3, 1, {0}, "who");
  EXPECT_EQ(ExpectError(3).code(), absl::StatusCode::kInvalidArgument);
  ExpectNothing();
}

TEST_F(References, ThroughAVeryLongChainOfPromisesReachTheirObject) {
  constexpr uint32_t kLength = 50'000;
  Front();
  SendPlain(0, kLater);
  // Each gives back the one before, none of which is there yet.
  std::vector<std::byte> calls;
  for (uint32_t i = 1; i <= kLength; ++i) {
    const auto frame = ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto call = InitCall(m, i, kPass);
      call.initTarget().setImportedCap(front_);
      auto payload = call.initParams();
      SetCapPointer(object::PointerAt(payload.getContent().initAs<Wire::PassParams>(), 0), 0);
      Answer(i - 1)(payload.initCapTable(1)[0]);
    });
    calls.insert(calls.end(), frame.begin(), frame.end());
  }
  peer_->SendBytes(calls);
  ExpectNothing();
  cook_->gate.Open();
  for (uint32_t i = 0; i <= kLength; ++i) peer_->ExpectReturn(i);
  SendHeard(kLength + 1, kLength, {0}, "far");
  ExpectReply(kLength + 1, "heard far");
}

TEST_F(References, FromThirdPartyHostedUseTheVine) {
  SendWithCap(0, kTell, [](Descriptor::Builder d) { d.initThirdPartyHosted().setVineId(4); });
  AnswerHeard(4, "news", "by the vine");
  ExpectReturnAndRelease(0, 4, 1);
}

TEST_F(References, OfAnUnknownKindAreBroken) {
  SendWithCap(0, kTell, [](Descriptor::Builder d) {
    d.setSenderHosted(1);
    object::SetDiscriminant(d, 0, 77);
  });
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kUnimplemented);
}

TEST_F(References, FinishTakesThoseInTheResultsIfItSaysSo) {
  SendPlain(0, kMakeCook);
  ExpectHosted(0);
  peer_->SendFinish(0, /*release_result_caps=*/true);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 1u);

  SendPlain(0, kMakeCook);
  const uint32_t id = ExpectHosted(0);
  peer_->SendFinish(0, /*release_result_caps=*/false);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 2u);
  peer_->SendRelease(id, 1);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 1u);
}

TEST_F(References, ReleasedWhileTheAnswerHoldsThemStayForCallsOnIt) {
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  peer_->SendRelease(id, 1);
  SendHeard(1, 0, {0}, "still here");
  ExpectReply(1, "heard still here");
  peer_->SendFinish(0, /*release_result_caps=*/false);
  ExpectNothing();
}

TEST_F(References, GivenBackDestroyTheObject) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  cook_->Keep(std::move(parrot)).IgnoreError();  // it cannot fail
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  peer_->SendFinish(0, /*release_result_caps=*/false);
  SendWithCap(1, kKeep, [](Descriptor::Builder d) { d.setNone(); });
  peer_->ExpectReturn(1);
  EXPECT_FALSE(gone.ready());
  peer_->SendRelease(id, 1);
  EXPECT_EQ(gone.Get(), absl::OkStatus());
}

TEST_F(References, ReleasedMoreOftenThanGivenEndTheConnection) {
  Front();
  peer_->SendRelease(front_, 2);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("export 0"));
}

TEST_F(References, ReleaseOfAnUnknownExportEndsTheConnection) {
  Front();
  peer_->SendRelease(1234, 1);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("export 1234"));
}

TEST_F(References, FinishOfWhatWasReleasedAlreadyEndsTheConnection) {
  SendPlain(0, kMakeCook);
  const uint32_t id = ExpectHosted(0);
  peer_->SendRelease(id, 1);
  peer_->SendFinish(0, /*release_result_caps=*/true);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("export"));
}

TEST_F(References, GetTheLowestFreeExportOnceBothSidesLetItGo) {
  Front();  // 0
  for (uint32_t i = 0; i < 4; ++i) {
    SendPlain(i, kMakeCook);
    EXPECT_EQ(ExpectHosted(i), i + 1);
    peer_->SendFinish(i, /*release_result_caps=*/false);
  }
  peer_->SendRelease(3, 1);
  peer_->SendRelease(2, 1);
  SendPlain(0, kMakeCook);
  EXPECT_EQ(ExpectHosted(0), 2u);
  SendPlain(1, kMakeCook);
  EXPECT_EQ(ExpectHosted(1), 3u);
  SendPlain(2, kMakeCook);
  EXPECT_EQ(ExpectHosted(2), 5u);
}

TEST_F(References, EndWithTheConnection) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  cook_->Keep(std::move(parrot)).IgnoreError();  // it cannot fail
  SendPlain(0, kKept);
  ExpectHosted(0);
  SendWithCap(1, kKeep, Hosted(3));
  peer_->ExpectReturn(1);
  peer_->Close();
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  // The cook still has a reference to an object of the peer; calls on it fail.
  EXPECT_EQ(cook_->Kept()->Heard("anybody?").status().code(), absl::StatusCode::kUnavailable);
}

// --- embargoes ----------------------------------------------------------------------------------

TEST_F(References, DisembargoIsAnsweredBehindTheCallsForwardedBeforeIt) {
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

TEST_F(References, DisembargoOfAPromiseThatBecameThePeersObjectIsAnswered) {
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

TEST_F(References, DisembargoOfWhatIsNotThePeersEndsTheConnection) {
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

TEST_F(References, DisembargoOfAnUnknownAnswerEndsTheConnection) {
  Front();
  peer_->Send([](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    disembargo.initTarget().initPromisedAnswer().setQuestionId(88);
    disembargo.getContext().setSenderLoopback(1);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("Disembargo"));
}

TEST_F(References, DisembargoThatAnswersNoneEndsTheConnection) {
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
