// Tail calls that Drover makes: a call that goes back to its caller is answered with what the
// caller's own object gives. One test for each rule.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/object/revocable.h"
#include "drover/rpc/call_hooks.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Answers to Pass can be called through a reference that can be taken back.
class GuardingCook : public Cook {
 public:
  absl::StatusOr<kitchen::ListenerProxy> Pass(kitchen::ListenerProxy listener) override {
    guarded_.emplace(std::move(listener));
    return guarded_->proxy();
  }

 private:
  std::optional<Revocable<kitchen::ListenerProxy>> guarded_;
};

// Remembers how calls of listeners ended.
class EndsOfCalls final : public CallHooks {
 public:
  explicit EndsOfCalls(bool wants_to_know) : wants_to_know_(wants_to_know) {}
  absl::Status BeforeServing(IncomingCall& call) override {
    if (wants_to_know_) call.hook_state = std::make_unique<HookState>();
    return absl::OkStatus();
  }
  void AfterServing(IncomingCall& call, const absl::Status& status) override {
    if (call.interface_id() != capnp::typeId<WireListener>()) return;
    base::MutexLock lock(&mu_);
    ends_.push_back(status.code());
    changed_.SignalAll();
  }
  std::vector<absl::StatusCode> Await(size_t count) {
    base::MutexLock lock(&mu_);
    while (ends_.size() < count) changed_.Wait(&mu_);
    return ends_;
  }

 private:
  const bool wants_to_know_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<absl::StatusCode> ends_ ABSL_GUARDED_BY(mu_);
};

class MadeTailCalls : public ServerTest {
 protected:
  explicit MadeTailCalls(std::shared_ptr<Cook> cook = std::make_shared<Cook>(),
                         const Limits& limits = {})
      : ServerTest(std::move(cook), limits) {
    peer_->PassOver(protocol::Message::RELEASE);
    connection_->EnableExtensions(/*one_way_window=*/0);  // the peer is Drover
  }

  // The answer to question 0 holds object 7 of the peer.
  void PassObject() {
    SendWithCap(0, kPass, Hosted(7));
    peer_->ExpectReturn(0);
  }
  // A call on that object, which comes back as a tail call; the number of that.
  uint32_t CallPassed(uint32_t question, const std::string& text) {
    SendHeard(question, 0, {0}, text);
    return ExpectTail(question, text);
  }
  uint32_t ExpectTail(uint32_t answered, const std::string& text) {
    const auto call = ExpectHeard(text);
    EXPECT_TRUE(call.getSendResultsTo().isYourself());
    const auto message = peer_->ExpectReturn(answered);
    const auto ret = message->root().getReturn();
    EXPECT_TRUE(ret.isTakeFromOtherQuestion());
    EXPECT_EQ(ret.getTakeFromOtherQuestion(), call.getQuestionId());
    return call.getQuestionId();
  }
  // The call that was received last goes to what is in the first pointer of this one's results.
  void ExpectTargetInside(uint32_t tail) {
    const auto target = received_->root().getCall().getTarget();
    ASSERT_TRUE(target.isPromisedAnswer());
    EXPECT_EQ(target.getPromisedAnswer().getQuestionId(), tail);
    ASSERT_EQ(target.getPromisedAnswer().getTransform().size(), 1u);
    EXPECT_EQ(target.getPromisedAnswer().getTransform()[0].getGetPointerField(), 0u);
  }
  void SendSentElsewhere(uint32_t tail) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(tail);
      ret.setResultsSentElsewhere();
    });
  }
  protocol::Finish::Reader ExpectFinish(uint32_t question) {
    received_ = peer_->Expect(protocol::Message::FINISH);
    EXPECT_EQ(received_->root().getFinish().getQuestionId(), question);
    return received_->root().getFinish();
  }
  void AwaitNoQuestions() {
    while (TableSizes().questions > 0) std::this_thread::yield();
  }
};

TEST_F(MadeTailCalls, AnswerCallsThatGoBackToTheirCaller) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  EXPECT_EQ(received_->root().getCall().getTarget().getImportedCap(), 7u);
  SendSentElsewhere(tail);
  ExpectNothing();
}

TEST_F(MadeTailCalls, AreFinishedWhenTheCallThatTheyAnswerIs) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  SendSentElsewhere(tail);
  ExpectNothing();
  EXPECT_EQ(TableSizes().questions, 1u);
  peer_->SendFinish(1);
  EXPECT_FALSE(ExpectFinish(tail).getReleaseResultCaps());
  AwaitTableSizes({.questions = 0, .answers = 1, .exports = 1, .imports = 1});
}

TEST_F(MadeTailCalls, AreCancelledWithTheCallThatTheyAnswer) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  peer_->SendFinish(1);
  EXPECT_TRUE(ExpectFinish(tail).getReleaseResultCaps());
  EXPECT_EQ(TableSizes().questions, 1u);
  SendSentElsewhere(tail);
  AwaitNoQuestions();
}

TEST_F(MadeTailCalls, GetTheCallsOnTheirResultsInOrder) {
  SendWithCap(0, kKeep, Hosted(7));
  peer_->ExpectReturn(0);
  SendPlain(1, kLater);
  cook_->gate.AwaitArrivals(1);
  SendHeard(2, 1, {0}, "x");
  SendHeard(3, 2, {0}, "a");
  SendHeard(4, 2, {0}, "b");
  cook_->gate.Open();
  peer_->ExpectReturn(1);
  const uint32_t tail = ExpectTail(2, "x");
  SendHeard(5, 2, {0}, "c");
  uint32_t question = 3;
  for (const char* text : {"a", "b", "c"}) {
    ExpectTail(question++, text);
    ExpectTargetInside(tail);
  }
}

TEST_F(MadeTailCalls, EchoADisembargoBehindTheCallsOnTheirResults) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  SendHeard(2, 1, {0}, "a");
  SendHeard(3, 1, {0}, "b");
  peer_->Send([](protocol::Message::Builder m) {
    auto disembargo = m.initDisembargo();
    auto target = disembargo.initTarget().initPromisedAnswer();
    target.setQuestionId(1);
    target.initTransform(1)[0].setGetPointerField(0);
    disembargo.getContext().setSenderLoopback(33);
  });
  ExpectTail(2, "a");
  ExpectTail(3, "b");
  const auto message = peer_->Expect(protocol::Message::DISEMBARGO);
  const auto echo = message->root().getDisembargo();
  EXPECT_EQ(echo.getContext().getReceiverLoopback(), 33u);
  EXPECT_EQ(echo.getTarget().getPromisedAnswer().getQuestionId(), tail);
}

TEST_F(MadeTailCalls, AreWhatReferencesToTheirResultsName) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  SendWithCap(2, kPass, Answer(1));
  const auto cap = ExpectCap(2);
  ASSERT_TRUE(cap.isReceiverAnswer());
  EXPECT_EQ(cap.getReceiverAnswer().getQuestionId(), tail);
  // And they are not finished before those have gone.
  peer_->SendFinish(1);
  ExpectNothing();
  peer_->SendFinish(2);
  ExpectFinish(tail);
}

TEST_F(MadeTailCalls, AreNotFinishedWhileCallsOnTheirResultsAreInFlight) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  SendHeard(2, 1, {0}, "a");
  const uint32_t on_it = ExpectTail(2, "a");
  peer_->SendFinish(1);
  ExpectNothing();
  SendSentElsewhere(on_it);
  ExpectFinish(tail);
}

TEST_F(MadeTailCalls, MayReturnResultsWhichAreLetGo) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(tail);
    ret.initResults().initCapTable(1)[0].setSenderHosted(8);
  });
  ExpectNothing();
  EXPECT_EQ(TableSizes().imports, 1u);  // without 8
  peer_->SendFinish(1);
  EXPECT_TRUE(ExpectFinish(tail).getReleaseResultCaps());
  AwaitNoQuestions();
}

TEST_F(MadeTailCalls, MayReturnAnError) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(tail);
    ret.initException().setReason("not today");
  });
  ExpectNothing();
  peer_->SendFinish(1);
  ExpectFinish(tail);
  AwaitNoQuestions();
}

TEST_F(MadeTailCalls, ThatNeedNoFinishGetNone) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(tail);
    ret.setResultsSentElsewhere();
    ret.setNoFinishNeeded(true);
  });
  AwaitNoQuestions();
  SendHeard(2, 1, {0}, "a");  // on what is there no more
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kUnavailable);
  peer_->SendFinish(1);
  ExpectNothing();
}

TEST_F(MadeTailCalls, ThatComeBackUnimplementedFailTheCallsOnTheirResults) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  peer_->Send(
      [&](protocol::Message::Builder m) { m.initUnimplemented().initCall().setQuestionId(tail); });
  SendHeard(2, 1, {0}, "a");
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kUnavailable);
  peer_->SendFinish(1);
  ExpectNothing();
  EXPECT_EQ(TableSizes().questions, 0u);
}

TEST_F(MadeTailCalls, ReturnedTwiceEndTheConnection) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  SendSentElsewhere(tail);
  SendSentElsewhere(tail);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("which was not asked"));
}

TEST_F(MadeTailCalls, AnsweredByTailCallsEndTheConnection) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(tail);
    ret.setTakeFromOtherQuestion(20);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("whose results stay with the peer"));
}

TEST_F(MadeTailCalls, EndWithTheConnection) {
  PassObject();
  const uint32_t tail = CallPassed(1, "x");
  SendHeard(2, 1, {0}, "a");
  ExpectTail(2, "a");
  SendSentElsewhere(tail);
  peer_->Close();
  AwaitTableSizes({.questions = 0, .answers = 0, .exports = 0, .imports = 0});
}

TEST_F(MadeTailCalls, AreNotMadeForATailCall) {
  PassObject();
  peer_->Send([](protocol::Message::Builder m) {
    auto call = InitCall<WireListener>(m, 1, kHeard);
    auto target = call.initTarget().initPromisedAnswer();
    target.setQuestionId(0);
    target.initTransform(1)[0].setGetPointerField(0);
    call.getSendResultsTo().setYourself();
    call.initParams().getContent().initAs<WireListener::HeardParams>().setText("x");
  });
  EXPECT_TRUE(ExpectHeard("x").getSendResultsTo().isCaller());
}

// --- who gets none ------------------------------------------------------------------------------

class MadeTailCallsToOthers : public ServerTest {};

TEST_F(MadeTailCallsToOthers, AreMadeIfTheyMakeThem) {
  const uint32_t front = Front();
  SendWithCap(0, kPass, Hosted(7));
  peer_->ExpectReturn(0);
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kRunning);
    call.initTarget().setImportedCap(front);
    call.getSendResultsTo().setYourself();
    call.initParams();
  });
  EXPECT_TRUE(peer_->ExpectReturn(1)->root().getReturn().isResultsSentElsewhere());
  SendHeard(2, 0, {0}, "x");
  const auto message = peer_->Expect(protocol::Message::CALL);
  EXPECT_TRUE(message->root().getCall().getSendResultsTo().isYourself());
}

class RevocableTailCalls : public MadeTailCalls {
 protected:
  RevocableTailCalls() : MadeTailCalls(std::make_shared<GuardingCook>()) {}
};

TEST_F(RevocableTailCalls, AreNotMadeAsTheyMayHaveToBeCutShort) {
  PassObject();
  SendHeard(1, 0, {0}, "x");
  EXPECT_TRUE(ExpectHeard("x").getSendResultsTo().isCaller());
}

// --- who looks on -------------------------------------------------------------------------------

class LimitedTailCalls : public MadeTailCalls {
 protected:
  LimitedTailCalls() : MadeTailCalls(std::make_shared<Cook>(), {.max_calls_in_flight = 2}) {}
};

TEST_F(LimitedTailCalls, AreInFlightUntilTheyReturn) {
  PassObject();
  const uint32_t first = CallPassed(1, "x");
  const uint32_t second = 2;
  const uint32_t tail = CallPassed(second, "y");
  SendAdd(3, 1, 1);
  EXPECT_EQ(ExpectError(3).code(), absl::StatusCode::kResourceExhausted);
  SendSentElsewhere(first);
  SendAdd(4, 1, 1);
  ExpectSum(4, 2);
  SendPlain(5, kWait);
  cook_->gate.AwaitArrivals(1);
  SendAdd(6, 1, 1);
  EXPECT_EQ(ExpectError(6).code(), absl::StatusCode::kResourceExhausted);
  peer_->SendFinish(second);  // which is in flight no more, though it has not returned
  ExpectFinish(tail);
  SendAdd(7, 1, 1);
  ExpectSum(7, 2);
  cook_->gate.Open();
  peer_->ExpectReturn(5);
}

class WatchedTailCalls : public MadeTailCalls {
 protected:
  void WatchAndPass(bool wants_to_know) {
    hooks_ = ends_ = base::MakeRef<EndsOfCalls>(wants_to_know);
    connection_->Close(absl::CancelledError("not used here"));
    Start(LocalCapability::Of(cook_), "the client of the test");
    front_ = UINT32_MAX;
    peer_->PassOver(protocol::Message::RELEASE);
    peer_->PassOver(protocol::Message::FINISH);
    connection_->EnableExtensions(/*one_way_window=*/0);
    PassObject();
  }

  base::Ref<EndsOfCalls> ends_;
};

TEST_F(WatchedTailCalls, TellHooksOfTheirEnd) {
  WatchAndPass(/*wants_to_know=*/false);
  const uint32_t returned = CallPassed(1, "x");
  CallPassed(2, "y");
  SendSentElsewhere(returned);
  EXPECT_THAT(ends_->Await(1), ElementsAre(absl::StatusCode::kOk));
  peer_->SendFinish(2);
  EXPECT_THAT(ends_->Await(2), ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kCancelled));
  CallPassed(3, "z");
  peer_->Close();
  EXPECT_THAT(ends_->Await(3), ElementsAre(absl::StatusCode::kOk, absl::StatusCode::kCancelled,
                                           absl::StatusCode::kUnavailable));
}

TEST_F(WatchedTailCalls, AreNotMadeWhereHooksKeepSomethingWithTheCall) {
  WatchAndPass(/*wants_to_know=*/true);
  SendHeard(1, 0, {0}, "x");
  const auto call = ExpectHeard("x");
  EXPECT_TRUE(call.getSendResultsTo().isCaller());
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(call.getQuestionId());
    ret.initException().setReason("not today");
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(ends_->Await(1), ElementsAre(absl::StatusCode::kUnknown));
}

}  // namespace
}  // namespace drover::rpc
