// Calls of the peer on promised answers, by ways that few peers take, and answers that are finished
// while calls on them wait: one test for each rule.
#include <string>

#include "drover/object/fields_internal.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

class Paths : public ServerTest {
 protected:
  // Heard, of what is in the first pointer of the answer to `promised`; `spoil` gets the ops.
  using Ops = capnp::List<protocol::PromisedAnswer::Op>::Builder;
  void SendHeardBy(uint32_t question, uint32_t promised, unsigned ops,
                   const std::function<void(Ops)>& spoil) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall<WireListener>(m, question, kHeard);
      auto answer = call.initTarget().initPromisedAnswer();
      answer.setQuestionId(promised);
      spoil(answer.initTransform(ops));
      call.initParams().getContent().initAs<WireListener::HeardParams>().setText("x");
    });
  }
};

TEST_F(Paths, WithNoopsPassThemOver) {
  SendPlain(0, kKept);
  ExpectHosted(0);
  SendHeardBy(1, 0, 3, [](Ops ops) {
    ops[0].setNoop();
    ops[1].setGetPointerField(0);
    ops[2].setNoop();
  });
  ExpectReply(1, "heard x");
}

TEST_F(Paths, WithUnknownOperationsFailThatCallAlone) {
  SendPlain(0, kKept);
  ExpectHosted(0);
  SendHeardBy(1, 0, 2, [](Ops ops) {
    ops[0].setGetPointerField(0);
    object::SetDiscriminant(ops[1], 0, 77);
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kUnimplemented);
  SendHeard(2, 0, {0}, "x");
  ExpectReply(2, "heard x");
}

TEST_F(Paths, WithUnknownOperationsBreakThatCapabilityAlone) {
  SendPlain(0, kKept);
  ExpectHosted(0);
  SendWithCap(1, kTell, [](Descriptor::Builder d) {
    auto answer = d.initReceiverAnswer();
    answer.setQuestionId(0);
    auto ops = answer.initTransform(2);
    ops[0].setGetPointerField(0);
    object::SetDiscriminant(ops[1], 0, 77);
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kUnimplemented);
}

// --- answers that are finished while calls on them wait ------------------------------------------

class FinishedEarly : public ServerTest {
 protected:
  FinishedEarly() {
    SendPlain(1, kMakeCook);
    other_ = ExpectHosted(1);
    peer_->SendFinish(1, /*release_result_caps=*/false);
    SendPlain(0, kLater);
    cook_->gate.AwaitArrivals(1);
  }
  void ExpectCanceled(uint32_t question) {
    EXPECT_TRUE(peer_->ExpectReturn(question)->root().getReturn().isCanceled());
  }

  uint32_t other_;  // a second cook, that is not busy
};

TEST_F(FinishedEarly, GoOnForCallsOnTheirResults) {
  SendHeard(1, 0, {0}, "x");
  peer_->SendFinish(0);
  ExpectNothing();
  cook_->gate.Open();
  ExpectCanceled(0);  // the peer has no use for the results
  ExpectReply(1, "heard x");
  EXPECT_EQ(TableSizes().exports, 2u);  // the cooks: nor references to what is in them
  peer_->SendFinish(1);
  AwaitTableSizes({.questions = 0, .answers = 0, .exports = 2, .imports = 0});
}

// A stock client finishes a call once it has passed a reference to what is in its results on.
TEST_F(FinishedEarly, GoOnForReferencesToTheirResults) {
  SendWithCap(2, kTell, Answer(0), other_);
  peer_->SendFinish(0);
  ExpectNothing();
  cook_->gate.Open();
  ExpectCanceled(0);
  ExpectReply(2, "heard news");
}

TEST_F(FinishedEarly, EndWithTheLastReferenceToTheirResults) {
  SendWithCap(2, kKeep, Answer(0), other_);
  peer_->ExpectReturn(2);
  SendWithCap(3, kPass, Answer(0), other_);
  const uint32_t promise = ExpectCap(3).getSenderPromise();
  peer_->SendFinish(0);
  peer_->SendFinish(3, /*release_result_caps=*/false);
  SendWithCap(4, kKeep, Hosted(7), other_);
  peer_->ExpectReturn(4);
  ExpectNothing();
  peer_->SendRelease(promise, 1);
  cook_->gate.AwaitCancellations(1);
  ExpectCanceled(0);
}

TEST_F(FinishedEarly, EndWithTheLastCallOnTheirResults) {
  SendHeard(1, 0, {0}, "x");
  SendHeard(2, 0, {0}, "y");
  peer_->SendFinish(0);
  peer_->SendFinish(1);
  ExpectNothing();
  peer_->SendFinish(2);
  cook_->gate.AwaitCancellations(1);
  ExpectCanceled(0);
  ExpectCanceled(1);
  ExpectCanceled(2);
}

TEST_F(FinishedEarly, EndAtOnceIfTheCallsOnTheirResultsAreFinishedFirst) {
  SendHeard(1, 0, {0}, "x");
  peer_->SendFinish(1);
  ExpectNothing();
  peer_->SendFinish(0);
  cook_->gate.AwaitCancellations(1);
  ExpectCanceled(0);
  ExpectCanceled(1);
}

TEST_F(FinishedEarly, EndWithAWholeChainOfCalls) {
  SendHeard(1, 0, {0}, "x");
  SendHeard(2, 1, {0}, "on the answer to the first");
  peer_->SendFinish(0);
  peer_->SendFinish(1);  // the second waits for it
  ExpectNothing();
  peer_->SendFinish(2);
  cook_->gate.AwaitCancellations(1);
  ExpectCanceled(0);
  ExpectCanceled(1);
  ExpectCanceled(2);
}

// A call that waits for its turn must not keep its own turn from coming.
TEST_F(FinishedEarly, EndThoughACallOnTheirResultsTookThemAlong) {
  peer_->Send([](protocol::Message::Builder m) {
    auto call = InitCall(m, 2, kKeep);
    auto target = call.initTarget().initPromisedAnswer();
    target.setQuestionId(0);
    target.initTransform(1)[0].setGetPointerField(0);
    auto payload = call.initParams();
    SetCapPointer(object::PointerAt(payload.getContent().initAs<Wire::KeepParams>(), 0), 0);
    Answer(0)(payload.initCapTable(1)[0]);
  });
  peer_->SendFinish(0);
  ExpectNothing();
  peer_->SendFinish(2);
  cook_->gate.AwaitCancellations(1);
  AwaitTableSizes({.questions = 0, .answers = 0, .exports = 2, .imports = 0});
}

TEST_F(FinishedEarly, EndThoughACallInTheQueueBehindThemTookThemAlong) {
  SendWithCap(2, kKeep, Answer(0));  // the cook is busy with the first
  peer_->SendFinish(0);
  ExpectNothing();
  peer_->SendFinish(2);
  cook_->gate.AwaitCancellations(1);
  ExpectCanceled(0);
  ExpectCanceled(2);
}

TEST_F(FinishedEarly, EndWithTheLastCallOnTheirResultsThoughAReferenceToThemWasThere) {
  SendWithCap(2, kPass, Answer(0), other_);
  EXPECT_TRUE(ExpectCap(2).isSenderPromise());
  SendHeard(3, 0, {0}, "x");  // waits at the promise that the reference is
  peer_->SendFinish(2);
  peer_->SendFinish(0);
  ExpectNothing();
  peer_->SendFinish(3);
  cook_->gate.AwaitCancellations(1);
  AwaitTableSizes({.questions = 0, .answers = 0, .exports = 2, .imports = 0});
}

TEST_F(FinishedEarly, GiveTheirErrorToCallsOnTheirResults) {
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {  // waits behind the Later
    auto call = InitCall(m, 1, kFail);
    call.initTarget().setImportedCap(front);
    auto params = call.initParams().getContent().initAs<Wire::FailParams>();
    params.setCode(static_cast<uint16_t>(absl::StatusCode::kDataLoss));
    params.setMessage("gone");
  });
  SendHeard(2, 1, {0}, "x");
  peer_->SendFinish(1);
  ExpectNothing();
  cook_->gate.Open();
  peer_->ExpectReturn(0);
  ExpectCanceled(1);
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace drover::rpc
