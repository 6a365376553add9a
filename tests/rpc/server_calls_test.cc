// What a Drover server does with Bootstrap, Call and Finish, and what it sends back: one test for
// each rule.
#include <string>

#include "drover/object/fields_internal.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using object::PointerAt;
using ::testing::HasSubstr;

using Calls = ServerTest;

TEST_F(Calls, BootstrapGivesTheFrontObject) {
  peer_->SendBootstrap(0);
  auto message = peer_->ExpectReturn(0);
  auto ret = message->root().getReturn();
  ASSERT_TRUE(ret.isResults());
  ASSERT_EQ(ret.getResults().getCapTable().size(), 1u);
  front_ = ret.getResults().getCapTable()[0].getSenderHosted();
  EXPECT_EQ(front_, 0u);
  SendAdd(1, 2, 3);
  ExpectSum(1, 5);
}

TEST_F(Calls, BootstrapTwiceGivesOneObject) {
  EXPECT_EQ(peer_->Bootstrap(0), peer_->Bootstrap(1));
  EXPECT_EQ(TableSizes().exports, 1u);
}

TEST(CallsOfNobody, BootstrapWithoutFrontObjectIsUnimplemented) {
  auto [ours, theirs] = testing_support::SocketPair();
  auto connection = Connection::Create(transport::SocketStream::Make(std::move(ours), "unix"),
                                       {.name = "the test",
                                        .runtime = nullptr,
                                        .terms = nullptr,
                                        .front_object = nullptr,
                                        .node = nullptr,
                                        .owner = nullptr});
  ScriptedPeer peer(std::move(theirs));
  peer.SendBootstrap(0);
  auto message = peer.ExpectReturn(0);
  ASSERT_TRUE(message->root().getReturn().isException());
  EXPECT_EQ(message->root().getReturn().getException().getType(),
            protocol::Exception::Type::UNIMPLEMENTED);
  connection->Close(absl::CancelledError("the test is over"));
}

TEST_F(Calls, BootstrapOfANamedObjectIsUnimplemented) {
  peer_->Send([](protocol::Message::Builder m) {
    m.initBootstrap().setQuestionId(0);
    m.getBootstrap().getDeprecatedObjectId().setAs<capnp::Text>("cook");
  });
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kUnimplemented);
}

TEST_F(Calls, OnThePromisedFrontObjectLeaveWithTheBootstrap) {
  auto frames =
      ScriptedPeer::Frame([](protocol::Message::Builder m) { m.initBootstrap().setQuestionId(0); });
  const auto call = ScriptedPeer::Frame([](protocol::Message::Builder m) {
    auto c = InitCall(m, 1, kAdd);
    c.initTarget().initPromisedAnswer().setQuestionId(0);
    c.initParams().getContent().initAs<Wire::AddParams>().setA(7);
  });
  frames.insert(frames.end(), call.begin(), call.end());
  peer_->SendBytes(frames);
  peer_->ExpectReturn(0);
  ExpectSum(1, 7);
}

TEST_F(Calls, OnAPromisedAnswerWaitUntilItResolves) {
  SendPlain(0, kLater);
  SendHeard(1, 0, {0}, "a");
  SendHeard(2, 0, {0}, "b");
  cook_->gate.AwaitArrivals(1);
  ExpectNothing();
  cook_->gate.Open();
  peer_->ExpectReturn(0);
  ExpectReply(1, "heard a");
  ExpectReply(2, "heard b");
}

TEST_F(Calls, OnAPathOfAnUnfinishedAnswerFollowThePath) {
  SendPlain(0, kLater);  // occupies the cook
  SendPlain(1, kLook);
  SendHeard(2, 1, {0, 1}, "spice");
  ExpectNothing();
  cook_->gate.Open();
  peer_->ExpectReturn(0);
  peer_->ExpectReturn(1);
  ExpectReply(2, "heard spice");
}

TEST_F(Calls, OnAnAnswerThatIsThereFollowThePath) {
  SendPlain(0, kLook);
  peer_->ExpectReturn(0);
  SendHeard(1, 0, {0, 1}, "spice");
  ExpectReply(1, "heard spice");
}

TEST_F(Calls, OnAnAnswerGoOnUntilItIsFinished) {
  SendPlain(0, kLook);
  peer_->ExpectReturn(0);
  peer_->SendFinish(0);
  SendHeard(1, 0, {0, 1}, "late");
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 0"));
}

TEST_F(Calls, OnWhatIsNoCapabilityFail) {
  SendPlain(0, kLook);
  peer_->ExpectReturn(0);
  SendHeard(1, 0, {0, 0}, "text");
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
  SendHeard(2, 0, {0, 2}, "null");
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kInvalidArgument);
  SendHeard(3, 0, {0, 9}, "no such field");
  EXPECT_EQ(ExpectError(3).code(), absl::StatusCode::kInvalidArgument);
  SendHeard(4, 0, {}, "a struct");
  EXPECT_EQ(ExpectError(4).code(), absl::StatusCode::kInvalidArgument);
  SendAdd(5, 1, 1);
  ExpectSum(5, 2);
  SendHeard(6, 5, {0}, "an answer without any");
  EXPECT_EQ(ExpectError(6).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Calls, OnAFailedAnswerFailWithItsError) {
  Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 0, kFail);
    call.initTarget().setImportedCap(front_);
    auto params = call.initParams().getContent().initAs<Wire::FailParams>();
    params.setCode(5);
    params.setMessage("no such spice");
  });
  SendHeard(1, 0, {0}, "x");
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kNotFound);
  const absl::Status error = ExpectError(1);
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(error.message(), "no such spice");
}

TEST_F(Calls, AreReturnedExactlyOnce) {
  SendAdd(0, 1, 2);
  ExpectSum(0, 3);
  ExpectNothing();
  peer_->SendFinish(0);
  ExpectNothing();
  SendPlain(1, kWait);
  cook_->gate.AwaitArrivals(1);
  cook_->gate.Open();
  peer_->ExpectReturn(1);
  peer_->SendFinish(1);
  ExpectNothing();
}

TEST_F(Calls, FinishedEarlyAreCancelledAndReturnedAsCanceled) {
  SendPlain(7, kWait);
  cook_->gate.AwaitArrivals(1);
  peer_->SendFinish(7);
  cook_->gate.AwaitCancellations(1);
  auto message = peer_->ExpectReturn(7);
  EXPECT_TRUE(message->root().getReturn().isCanceled());
  EXPECT_EQ(TableSizes().answers, 0u);
  // The number is free again.
  SendAdd(7, 1, 2);
  ExpectSum(7, 3);
}

TEST_F(Calls, FinishedBeforeTheyBeginNeverRun) {
  SendPlain(0, kLater);  // occupies the cook
  Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kNote);
    call.initTarget().setImportedCap(front_);
    call.initParams().getContent().initAs<Wire::NoteParams>().setEntry(5);
  });
  peer_->SendFinish(1);
  ExpectNothing();
  cook_->gate.Open();
  peer_->ExpectReturn(0);
  EXPECT_TRUE(peer_->ExpectReturn(1)->root().getReturn().isCanceled());
  SendPlain(2, kNotes);
  auto message = peer_->ExpectReturn(2);
  EXPECT_EQ(message->root()
                .getReturn()
                .getResults()
                .getContent()
                .getAs<Wire::NotesResults>()
                .getEntries()
                .size(),
            0u);
}

TEST_F(Calls, FinishOfAnUnknownQuestionIsIgnored) {
  Front();
  peer_->SendFinish(77);
  peer_->SendFinish(0x80000001);
  SendAdd(0, 1, 1);
  ExpectSum(0, 2);
  peer_->SendFinish(0);
  peer_->SendFinish(0);
  ExpectNothing();
}

TEST_F(Calls, FinishedTwiceWhileTheyRunAreReturnedOnce) {
  SendPlain(0, kWait);
  cook_->gate.AwaitArrivals(1);
  peer_->SendFinish(0);
  peer_->SendFinish(0);
  EXPECT_TRUE(peer_->ExpectReturn(0)->root().getReturn().isCanceled());
  ExpectNothing();
}

TEST_F(Calls, WithAQuestionInUseEndTheConnection) {
  SendPlain(3, kWait);
  cook_->gate.AwaitArrivals(1);
  SendAdd(3, 1, 2);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 3"));
  cook_->gate.AwaitCancellations(1);
}

TEST_F(Calls, WithAQuestionThatIsNotFinishedEndTheConnection) {
  SendAdd(3, 1, 2);
  ExpectSum(3, 3);
  SendAdd(3, 1, 2);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 3"));
}

TEST_F(Calls, BootstrapWithAQuestionInUseEndsTheConnection) {
  peer_->SendBootstrap(4);
  peer_->ExpectReturn(4);
  peer_->SendBootstrap(4);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 4"));
}

TEST_F(Calls, OnAnUnknownExportEndTheConnection) {
  Front();
  SendPlain(0, kKept, 55);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("export 55"));
}

TEST_F(Calls, OnTheirOwnAnswerEndTheConnection) {
  SendHeard(0, 0, {0}, "me");
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 0"));
}

TEST_F(Calls, MayUseAnyQuestionId) {
  for (uint32_t id : {0u, 1023u, 1024u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    SendAdd(id, id, 0);
    ExpectSum(id, id);
  }
  SendPlain(0x80000001, kLook);
  peer_->ExpectReturn(0x80000001);
  SendHeard(0x80000002, 0x80000001, {0, 1}, "far");
  ExpectReply(0x80000002, "heard far");
  const size_t answers = TableSizes().answers;
  for (uint32_t id : {0x80000001u, 0x80000002u, 0xffffffffu}) peer_->SendFinish(id);
  ExpectNothing();
  EXPECT_LE(TableSizes().answers, answers - 2);
}

TEST_F(Calls, ThatSendResultsToAThirdPartyFailAsUnimplemented) {
  Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kAdd);
    call.initTarget().setImportedCap(front_);
    call.getSendResultsTo().initThirdParty();
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kUnimplemented);
}

TEST_F(Calls, ThatSendResultsToAnUnknownPlaceFailAlone) {
  Front();
  peer_->SendBytes(ScriptedPeer::Frame([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kAdd);
    call.initTarget().setImportedCap(front_);
    object::SetDiscriminant(call, 3, 77);  // of sendResultsTo
  }));
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kUnimplemented);
  ExpectNothing();
}

TEST_F(Calls, WithHintsAreAnsweredAsOthers) {
  Front();
  using Set = void (*)(protocol::Call::Builder);
  const Set hints[] = {
      [](protocol::Call::Builder call) { call.setAllowThirdPartyTailCall(true); },
      [](protocol::Call::Builder call) { call.setNoPromisePipelining(true); },
      [](protocol::Call::Builder call) { call.setOnlyPromisePipeline(true); },
  };
  for (Set hint : hints) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall(m, 1, kKept);
      call.initTarget().setImportedCap(front_);
      hint(call);
    });
    ExpectHosted(1);
    SendHeard(2, 1, {0}, "x");
    ExpectReply(2, "heard x");
    peer_->SendFinish(2);
    peer_->SendFinish(1);
  }
}

TEST_F(Calls, OfWhatTheObjectDoesNotHaveFailAsUnimplemented) {
  Front();
  peer_->Send([&](protocol::Message::Builder m) {
    InitCall<WireListener>(m, 0, kHeard).initTarget().setImportedCap(front_);
  });
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kUnimplemented);
  peer_->Send([&](protocol::Message::Builder m) {
    InitCall(m, 1, 4711).initTarget().setImportedCap(front_);
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kUnimplemented);
}

TEST_F(Calls, FailWithCodeMessageAndPayloads) {
  Front();
  for (uint32_t code = 1; code <= 16; ++code) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall(m, code, kFail);
      call.initTarget().setImportedCap(front_);
      auto params = call.initParams().getContent().initAs<Wire::FailParams>();
      params.setCode(static_cast<uint16_t>(code));
      params.setMessage("why");
    });
    const absl::Status status = ExpectError(code);
    EXPECT_EQ(static_cast<uint32_t>(status.code()), code);
    EXPECT_EQ(status.message(), "why");
    EXPECT_EQ(status.GetPayload(Cook::kPayloadUrl), absl::Cord("payload of why"));
  }
}

TEST_F(Calls, FailWithTheTypeThatStandsForTheirCode) {
  using Type = protocol::Exception::Type;
  Front();
  for (uint32_t code = 1; code <= 16; ++code) {
    Type type = Type::FAILED;
    if (code == 8) type = Type::OVERLOADED;  // ResourceExhausted
    if (code == 12) type = Type::UNIMPLEMENTED;
    if (code == 14) type = Type::DISCONNECTED;  // Unavailable
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall(m, code, kFail);
      call.initTarget().setImportedCap(front_);
      auto params = call.initParams().getContent().initAs<Wire::FailParams>();
      params.setCode(static_cast<uint16_t>(code));
      params.setMessage("why");
    });
    const auto message = peer_->ExpectReturn(code);
    EXPECT_EQ(message->root().getReturn().getException().getType(), type) << code;
    EXPECT_EQ(message->root().getReturn().getException().getReason(), "why");
  }
}

TEST_F(Calls, OfAnUnreadableStructFailAlone) {
  Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 0, kEcho);
    call.initTarget().setImportedCap(front_);
    // Data where the method expects bytes is a list of structs here.
    auto params = call.initParams().getContent().initAsAnyStruct(0, 1);
    params.getPointerSection()[0].initAsListOfAnyStruct(1, 0, 3);
  });
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kInvalidArgument);
  SendAdd(1, 1, 1);
  ExpectSum(1, 2);
}

TEST_F(Calls, WithAnUnknownKindOfTargetFailAlone) {
  Front();
  // There is no such builder: 7 goes where the union's discriminant is, of Call.target.
  auto frame = ScriptedPeer::Frame([](protocol::Message::Builder m) {
    auto target = InitCall(m, 0, kAdd).initTarget();
    target.setImportedCap(0);
    object::SetDiscriminant(target, 2, 7);
  });
  peer_->SendBytes(frame);
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kUnimplemented);
  SendAdd(1, 1, 1);
  ExpectSum(1, 2);
}

TEST_F(Calls, AnswersLargerThanTheSocketTakesArriveWhole) {
  Front();
  const size_t size = 8 << 20;
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 0, kEcho);
    call.initTarget().setImportedCap(front_);
    call.initParams().getContent().initAs<Wire::EchoParams>().initData(size)[size - 1] = 42;
  });
  auto message = peer_->ExpectReturn(0);
  auto data =
      message->root().getReturn().getResults().getContent().getAs<Wire::EchoResults>().getData();
  ASSERT_EQ(data.size(), size);
  EXPECT_EQ(data[size - 1], 42);
}

TEST_F(Calls, AreRefusedWhileTheConnectionDrains) {
  Front();
  connection_->NotifyIdle([] {});
  SendAdd(0, 1, 1);
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace drover::rpc
