// Tail calls: a peer answers a call of ours with the results of a call that it made to us in its
// place. One test for each rule.
#include <memory>
#include <string>

#include "kitchen.drover_zero_copy.h"
#include "rpc/promises_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;

class TailCalls : public Promises {
 protected:
  // Calls the recorder, which is export `ours`, and asks to keep the results.
  void SendTail(uint32_t question, uint32_t ours, const std::string& text) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall<WireListener>(m, question, kHeard);
      call.initTarget().setImportedCap(ours);
      call.getSendResultsTo().setYourself();
      call.initParams().getContent().initAs<WireListener::HeardParams>().setText(text);
    });
  }
  // Calls a method of the cook that takes no params, likewise.
  void SendTailToCook(uint32_t question, CookMethod method) {
    const uint32_t front = Front();
    peer_->Send([&](protocol::Message::Builder m) {
      auto tail = InitCall(m, question, method);
      tail.initTarget().setImportedCap(front);
      tail.getSendResultsTo().setYourself();
    });
  }
  // A call of ours on a promise of the peer's; its question.
  uint32_t AskThePeer(Future<std::string>& answer) {
    KeepPromise(9);
    answer = cook_->Kept()->async().Heard("x");
    return ExpectHeard("x").getQuestionId();
  }
  void ReturnFrom(uint32_t question, uint32_t other) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(question);
      ret.setTakeFromOtherQuestion(other);
    });
  }
  void ExpectSentElsewhere(uint32_t question) {
    received_ = peer_->ExpectReturn(question);
    EXPECT_TRUE(received_->root().getReturn().isResultsSentElsewhere());
  }
};

TEST_F(TailCalls, AreNotMadeToAPeerThatMayNotUnderstandThem) {
  SendWithCap(0, kPass, Theirs(7));
  peer_->ExpectReturn(0);
  SendHeard(1, 0, {0}, "x");
  const auto call = ExpectHeard("x");
  EXPECT_EQ(call.getTarget().getImportedCap(), 7u);
  EXPECT_TRUE(call.getSendResultsTo().isCaller());
  ReturnHeard(call.getQuestionId(), "copied");
  ExpectReply(1, "copied");
}

TEST_F(TailCalls, KeepTheirResultsForTheQuestionThatTakesThem) {
  const uint32_t ours = ExportRecorder();
  Future<std::string> call;
  const uint32_t question = AskThePeer(call);
  SendTail(20, ours, "x");
  ExpectSentElsewhere(20);
  ReturnFrom(question, 20);
  EXPECT_EQ(*call.Get(), "recorded x");
}

TEST_F(TailCalls, KeepTheirResultsForAQuestionThatReadsThemInPlace) {
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  auto call = kitchen::ListenerZeroCopyProxy(*cook_->Kept()).Heard();
  call.params().setText("x");
  auto answer = call.SendAsync();
  const uint32_t question = ExpectHeard("x").getQuestionId();
  SendTail(20, ours, "x");
  ExpectSentElsewhere(20);
  ReturnFrom(question, 20);
  const auto reply = answer.Get();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_STREQ(reply->results().getReply().cStr(), "recorded x");
}

TEST_F(TailCalls, MayBeTakenBeforeTheyReturn) {
  Future<std::string> call;
  const uint32_t question = AskThePeer(call);
  SendTailToCook(20, kWait);
  cook_->gate.AwaitArrivals(1);
  ReturnFrom(question, 20);
  ExpectNothing();
  EXPECT_FALSE(call.ready());
  cook_->gate.Open();
  ExpectSentElsewhere(20);
  EXPECT_EQ(*call.Get(), "");  // Wait's results are empty
}

TEST_F(TailCalls, GiveTheirErrorToTheQuestionThatTakesThem) {
  Future<std::string> call;
  const uint32_t question = AskThePeer(call);
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto tail = InitCall(m, 20, kFail);
    tail.initTarget().setImportedCap(front);
    tail.getSendResultsTo().setYourself();
    auto params = tail.initParams().getContent().initAs<Wire::FailParams>();
    params.setCode(static_cast<uint16_t>(absl::StatusCode::kDataLoss));
    params.setMessage("gone");
  });
  ExpectSentElsewhere(20);
  ReturnFrom(question, 20);
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(TailCalls, AreCancelledWithTheQuestionThatTakesThem) {
  Future<std::string> call;
  const uint32_t question = AskThePeer(call);
  SendTailToCook(20, kWait);
  cook_->gate.AwaitArrivals(1);
  ReturnFrom(question, 20);
  ExpectNothing();
  call.Cancel();
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kCancelled);
  peer_->SendFinish(20);  // as the peer does when it sees our Finish
  ExpectSentElsewhere(20);
  EXPECT_EQ(TableSizes().questions, 0u);
}

TEST_F(TailCalls, AreCancelledWithTheQuestionThatTakesThemThoughThePeerDoesNotFinishThem) {
  KeepPromise(9);
  auto call = cook_->Kept()->async().Heard("x");
  const uint32_t question = ExpectHeard("x").getQuestionId();
  SendTailToCook(20, kWait);
  cook_->gate.AwaitArrivals(1);
  ReturnFrom(question, 20);
  ExpectNothing();
  call.Cancel();
  cook_->gate.AwaitCancellations(1);
  ExpectSentElsewhere(20);
}

TEST_F(TailCalls, AreCancelledThoughTheQuestionThatTakesThemWasCancelledBefore) {
  KeepPromise(9);
  auto call = cook_->Kept()->async().Heard("x");
  const uint32_t question = ExpectHeard("x").getQuestionId();
  SendTailToCook(20, kWait);
  cook_->gate.AwaitArrivals(1);
  call.Cancel();
  ReturnFrom(question, 20);
  cook_->gate.AwaitCancellations(1);
  ExpectSentElsewhere(20);
}

TEST_F(TailCalls, GoOnForCallsOnTheirResultsThoughTheQuestionThatTakesThemIsCancelled) {
  KeepPromise(9);
  auto call = cook_->Kept()->async().Heard("x");
  const uint32_t question = ExpectHeard("x").getQuestionId();
  const kitchen::ListenerProxy promise = *cook_->Kept();
  ASSERT_TRUE(cook_->Keep(std::make_shared<Parrot>()).ok());  // which Later gives
  SendTailToCook(20, kLater);
  cook_->gate.AwaitArrivals(1);
  SendHeard(21, 20, {0}, "y");  // waits for the tail call's results
  ReturnFrom(question, 20);
  ExpectNothing();
  call.Cancel();
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kCancelled);
  cook_->gate.Open();
  ExpectSentElsewhere(20);
  ExpectReply(21, "heard y");
}

TEST_F(TailCalls, ThatAnotherQuestionHasTakenEndTheConnection) {
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  auto one = cook_->Kept()->async().Heard("1");
  const uint32_t first = ExpectHeard("1").getQuestionId();
  auto two = cook_->Kept()->async().Heard("2");
  const uint32_t second = ExpectHeard("2").getQuestionId();
  SendTail(20, ours, "x");
  ExpectSentElsewhere(20);
  ReturnFrom(first, 20);
  ReturnFrom(second, 20);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 20, which keeps none for it"));
}

TEST_F(TailCalls, ThatWereNotMadeSoCannotBeTakenFrom) {
  Future<std::string> call;
  const uint32_t question = AskThePeer(call);
  SendAdd(20, 1, 2);
  ExpectSum(20, 3);
  ReturnFrom(question, 20);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 20, which keeps none for it"));
}

}  // namespace
}  // namespace drover::rpc
