// What a Drover client sends for calls on results that are not here yet: one test for each rule.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/object/fields_internal.h"
#include "rpc/promises_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::ElementsAre;

class PipelinedCalls : public ClientTest {
 protected:
  // MakeCook's results, with a cook that the peer hosts.
  void ReturnCook(uint32_t question, uint32_t id) {
    SendReturn(question, [&](protocol::Return::Builder ret) {
      auto payload = ret.initResults();
      SetCapPointer(object::PointerAt(payload.getContent().initAs<Wire::MakeCookResults>(), 0), 0);
      payload.initCapTable(1)[0].setSenderHosted(id);
    });
  }
  // Asks something, and expects the answer as the next message: nothing was sent before it.
  void ExpectNothing() {
    peer_->SendBootstrap(900);  // there is no front object
    peer_->ExpectReturn(900);
    peer_->SendFinish(900);
  }
};

TEST_F(PipelinedCalls, OfAChainLeaveWhileEveryReturnIsWithheld) {
  std::vector<Future<kitchen::CookProxy>> chain;
  chain.push_back(proxy_.async().MakeCook());
  while (chain.size() < 5) chain.push_back(chain.back().Pipeline().MakeCook());
  peer_->Expect(protocol::Message::BOOTSTRAP);
  for (uint32_t question = 1; question <= 5; ++question) {
    const auto call = ExpectCall();
    EXPECT_EQ(call.getQuestionId(), question);
    EXPECT_EQ(call.getMethodId(), kMakeCook);
    ASSERT_TRUE(call.getTarget().isPromisedAnswer());
    const auto target = call.getTarget().getPromisedAnswer();
    EXPECT_EQ(target.getQuestionId(), question - 1);
    if (question == 1) {
      EXPECT_EQ(target.getTransform().size(), 0u);  // the front object is all of the answer
    } else {
      ASSERT_EQ(target.getTransform().size(), 1u);
      EXPECT_EQ(target.getTransform()[0].getGetPointerField(), 0u);
    }
  }
  for (const auto& future : chain) EXPECT_FALSE(future.ready());
  // The last answer is as good when it comes first.
  for (uint32_t question = 5; question >= 1; --question) ReturnCook(question, 10 + question);
  peer_->PassOver(protocol::Message::FINISH);
  auto sum = chain.back().Get().value().async().Add(1, 2);
  const auto call = ExpectCall();
  EXPECT_EQ(call.getTarget().getImportedCap(), 15u);
  ReturnSum(call.getQuestionId(), 3);
  EXPECT_EQ(*sum.Get(), 3u);
}

TEST_F(PipelinedCalls, GoToThePeersObjectItselfOnceItIsHere) {
  auto made = proxy_.async().MakeCook();
  const auto cook = made.Pipeline();
  auto first = cook.Add(1, 2);
  AnswerBootstrap(1);
  ExpectCall();
  EXPECT_EQ(ExpectCall().getTarget().getPromisedAnswer().getQuestionId(), 1u);
  ReturnCook(1, 7);
  EXPECT_TRUE(made.Get().ok());
  peer_->PassOver(protocol::Message::FINISH);
  auto second = cook.Add(3, 4);  // at once, without a Disembargo: both go the same way
  const auto call = ExpectCall();
  ASSERT_TRUE(call.getTarget().isImportedCap());
  EXPECT_EQ(call.getTarget().getImportedCap(), 7u);
}

TEST_F(PipelinedCalls, KeepTheirAnswerUnfinishedUntilTheyReturn) {
  auto sum = proxy_.async().MakeCook().Pipeline().Add(1, 2);  // nobody wants the cook itself
  AnswerBootstrap(1);
  ExpectCall();
  ExpectCall();
  peer_->SendBootstrap(900);
  received_ = peer_->Receive();
  if (received_->root().isFinish()) {
    EXPECT_EQ(received_->root().getFinish().getQuestionId(), 0u);  // of the Bootstrap
    received_ = peer_->Receive();
  }
  EXPECT_TRUE(received_->root().isReturn());
  ReturnSum(2, 3);
  EXPECT_EQ(*sum.Get(), 3u);
  // Question 2 had its Return; question 1 has not, and is cancelled.
  std::vector<uint32_t> finished;
  while (finished.size() < 2) {
    received_ = peer_->Expect(protocol::Message::FINISH);
    const uint32_t question = received_->root().getFinish().getQuestionId();
    if (question != 0) finished.push_back(question);
  }
  EXPECT_THAT(finished, testing::UnorderedElementsAre(1u, 2u));
}

TEST_F(PipelinedCalls, AreFinishedWithTheCallThatTheyWaitFor) {
  auto made = proxy_.async().MakeCook();
  auto next = made.Pipeline().MakeCook();
  auto sum = next.Pipeline().Add(1, 2);
  auto other = proxy_.async().Add(3, 4);
  AnswerBootstrap(1);
  for (int call = 1; call <= 4; ++call) ExpectCall();
  made.Cancel();  // the peer would let it go on for the other two
  std::vector<uint32_t> finished;
  while (finished.size() < 3) {
    received_ = peer_->Expect(protocol::Message::FINISH);
    const uint32_t question = received_->root().getFinish().getQuestionId();
    if (question != 0) finished.push_back(question);
  }
  EXPECT_THAT(finished, testing::UnorderedElementsAre(1u, 2u, 3u));
  EXPECT_EQ(sum.Get().status().code(), absl::StatusCode::kCancelled);
  ReturnSum(4, 7);
  EXPECT_EQ(*other.Get(), 7u);
}

TEST_F(PipelinedCalls, OnWhatTurnsOutToBeOursWaitForTheDisembargo) {
  auto recorder = std::make_shared<Recorder>();
  auto pass = proxy_.async().Pass(kitchen::ListenerProxy(recorder));
  const auto listener = pass.Pipeline();
  auto first = listener.Heard("first");
  AnswerBootstrap(1);
  const uint32_t ours = ExpectCall().getParams().getCapTable()[0].getSenderHosted();
  EXPECT_EQ(ExpectCall().getTarget().getPromisedAnswer().getQuestionId(), 1u);
  SendReturn(1, [&](protocol::Return::Builder ret) {
    ret.setReleaseParamCaps(false);
    auto payload = ret.initResults();
    SetCapPointer(object::PointerAt(payload.getContent().initAs<Wire::PassResults>(), 0), 0);
    payload.initCapTable(1)[0].setReceiverHosted(ours);
  });
  // The Disembargo names the promised answer, so that the Finish comes after it.
  received_ = peer_->Receive();
  ASSERT_NE(received_, nullptr);
  if (received_->root().isFinish()) {
    EXPECT_EQ(received_->root().getFinish().getQuestionId(), 0u);
    received_ = peer_->Expect(protocol::Message::DISEMBARGO);
  }
  const auto disembargo = received_->root().getDisembargo();
  const auto target = disembargo.getTarget().getPromisedAnswer();
  EXPECT_EQ(target.getQuestionId(), 1u);
  ASSERT_EQ(target.getTransform().size(), 1u);
  EXPECT_EQ(target.getTransform()[0].getGetPointerField(), 0u);
  const uint32_t embargo = disembargo.getContext().getSenderLoopback();
  EXPECT_TRUE(pass.Get().ok());

  peer_->PassOver(protocol::Message::FINISH);
  auto second = listener.Heard("second");
  ExpectNothing();
  EXPECT_THAT(recorder->heard(), ElementsAre());
  SendHeardTo(20, ours, "first");
  SendReceiverLoopback(ours, embargo);
  peer_->ExpectReturn(20);
  EXPECT_EQ(*second.Get(), "recorded second");
  EXPECT_THAT(recorder->heard(), ElementsAre("first", "second"));
}

}  // namespace
}  // namespace drover::rpc
