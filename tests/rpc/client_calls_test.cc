// What a Drover client sends, what becomes of its questions, and how its connection ends: one test
// for each rule.
#include <string>
#include <vector>

#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;

using Client = ClientTest;

TEST_F(Client, SendsBootstrapAndTheFirstCallsAtOnce) {
  auto first = proxy_.async().Add(1, 2);
  auto second = proxy_.async().Add(3, 4);
  received_ = peer_->Expect(protocol::Message::BOOTSTRAP);
  const uint32_t bootstrap = received_->root().getBootstrap().getQuestionId();
  EXPECT_EQ(bootstrap, 0u);
  for (uint32_t question : {1u, 2u}) {
    const auto call = ExpectCall();
    EXPECT_EQ(call.getQuestionId(), question);
    ASSERT_TRUE(call.getTarget().isPromisedAnswer());
    EXPECT_EQ(call.getTarget().getPromisedAnswer().getQuestionId(), bootstrap);
    EXPECT_EQ(call.getTarget().getPromisedAnswer().getTransform().size(), 0u);
    EXPECT_TRUE(call.getSendResultsTo().isCaller());
  }
  // The peer may answer in any order.
  ReturnSum(2, 7);
  ReturnSum(1, 3);
  EXPECT_EQ(*first.Get(), 3u);
  EXPECT_EQ(*second.Get(), 7u);
}

TEST_F(Client, CallsTheFrontObjectOnceItIsHere) {
  auto first = proxy_.async().Add(1, 2);
  AnswerBootstrap(17);
  ExpectCall();
  ReturnSum(1, 3);
  EXPECT_EQ(*first.Get(), 3u);
  peer_->PassOver(protocol::Message::FINISH);
  auto second = proxy_.async().Add(1, 2);
  const auto call = ExpectCall();
  ASSERT_TRUE(call.getTarget().isImportedCap());
  EXPECT_EQ(call.getTarget().getImportedCap(), 17u);
}

TEST_F(Client, FinishesEachReturnOnceKeepingItsCapabilities) {
  auto call = proxy_.async().Kept();
  AnswerBootstrap(1);
  ExpectCall();
  ReturnListener(1, 4);
  kitchen::ListenerProxy listener = call.Get().value();
  EXPECT_FALSE(ExpectFinish(0).getReleaseResultCaps());
  EXPECT_FALSE(ExpectFinish(1).getReleaseResultCaps());
  listener = kitchen::ListenerProxy();
  received_ = peer_->Expect(protocol::Message::RELEASE);
  EXPECT_EQ(received_->root().getRelease().getId(), 4u);
  EXPECT_EQ(received_->root().getRelease().getReferenceCount(), 1u);
  EXPECT_EQ(TableSizes(), (Sizes{0, 0, 0, 1}));
}

TEST_F(Client, SendsNoFinishWhereNoneIsNeeded) {
  auto call = proxy_.async().Add(1, 2);
  AnswerBootstrap(1);
  ExpectCall();
  ReturnSum(1, 3, /*no_finish_needed=*/true);
  EXPECT_EQ(*call.Get(), 3u);
  ExpectFinish(0);  // of the Bootstrap
  // Its number is free at once.
  auto next = proxy_.async().Add(1, 2);
  EXPECT_EQ(ExpectCall().getQuestionId(), 0u);
  auto another = proxy_.async().Add(1, 2);
  EXPECT_EQ(ExpectCall().getQuestionId(), 1u);
}

TEST_F(Client, SaysWhichAnswersItWillNotCallOn) {
  auto plain = proxy_.async().Add(1, 2);
  auto text = proxy_.async().Echo({});
  auto object = proxy_.async().Kept();
  AnswerBootstrap(1);
  EXPECT_TRUE(ExpectCall().getNoPromisePipelining());
  EXPECT_TRUE(ExpectCall().getNoPromisePipelining());
  EXPECT_FALSE(ExpectCall().getNoPromisePipelining());
  // Once it knows the object, too: such calls leave in another way.
  received_ = peer_->Expect(protocol::Message::FINISH);
  auto again = proxy_.async().Add(1, 2);
  EXPECT_TRUE(ExpectCall().getNoPromisePipelining());
}

TEST_F(Client, ReusesTheLowestQuestionOnceBothSidesLetItGo) {
  std::vector<Future<uint32_t>> calls;
  for (uint32_t i = 1; i <= 5; ++i) calls.push_back(proxy_.async().Add(i, 0));
  AnswerBootstrap(1);
  for (uint32_t i = 1; i <= 5; ++i) EXPECT_EQ(ExpectCall().getQuestionId(), i);
  ReturnSum(4, 4);
  EXPECT_EQ(*calls[3].Get(), 4u);
  ReturnSum(2, 2);
  EXPECT_EQ(*calls[1].Get(), 2u);
  // Given up, but not yet returned: not free.
  calls[0].Cancel();
  bool finished = false;
  while (!finished) {
    received_ = peer_->Expect(protocol::Message::FINISH);
    finished = received_->root().getFinish().getQuestionId() == 1;
  }
  peer_->PassOver(protocol::Message::FINISH);
  for (uint32_t expected : {0u, 2u, 4u, 6u}) {
    calls.push_back(proxy_.async().Add(9, 9));
    EXPECT_EQ(ExpectCall().getQuestionId(), expected);
  }
  SendReturn(1, [](protocol::Return::Builder ret) { ret.setCanceled(); });
  ReturnSum(6, 18);
  EXPECT_EQ(*calls.back().Get(), 18u);  // what came before has been handled
  calls.push_back(proxy_.async().Add(9, 9));
  EXPECT_EQ(ExpectCall().getQuestionId(), 1u);
}

TEST_F(Client, FinishesWhatItDropsAndIgnoresTheReturn) {
  {
    auto dropped = proxy_.async().Kept();
    AnswerBootstrap(1);
    ExpectCall();
  }
  received_ = peer_->Expect(protocol::Message::FINISH);
  if (received_->root().getFinish().getQuestionId() == 0) {
    received_ = peer_->Expect(protocol::Message::FINISH);
  }
  EXPECT_EQ(received_->root().getFinish().getQuestionId(), 1u);
  EXPECT_TRUE(received_->root().getFinish().getReleaseResultCaps());
  peer_->PassOver(protocol::Message::FINISH);
  // The Return was on its way: the capability in it is the peer's again, not ours.
  ReturnListener(1, 4);
  auto next = proxy_.async().Add(1, 2);
  const uint32_t question = ExpectCall().getQuestionId();
  ReturnSum(question, 3);
  EXPECT_EQ(*next.Get(), 3u);
  EXPECT_EQ(TableSizes(), (Sizes{0, 0, 0, 1}));
}

TEST_F(Client, GivesUpTheFrontObjectBeforeItIsHere) {
  auto call = proxy_.async().Add(1, 2);
  received_ = peer_->Expect(protocol::Message::BOOTSTRAP);
  ExpectCall();
  proxy_ = {};
  connection_->Retire();
  ReturnSum(1, 3);
  EXPECT_EQ(*call.Get(), 3u);
  ExpectFinish(1);
  EXPECT_TRUE(ExpectFinish(0).getReleaseResultCaps());
  SendReturn(0, [](protocol::Return::Builder ret) {
    auto payload = ret.initResults();
    SetCapPointer(payload.getContent(), 0);
    payload.initCapTable(1)[0].setSenderHosted(1);
  });
  peer_->PassOver(protocol::Message::FINISH);
  EXPECT_TRUE(peer_->AtEnd());  // and nothing is left that would need the connection
}

TEST_F(Client, ReturnOfAnUnknownQuestionEndsTheConnection) {
  auto call = proxy_.async().Add(1, 2);
  AnswerBootstrap(1);
  ExpectCall();
  ReturnSum(99, 3);
  peer_->PassOver(protocol::Message::FINISH);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 99"));
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(Client, ReturnGivenTwiceEndsTheConnection) {
  auto call = proxy_.async().Add(1, 2);
  AnswerBootstrap(1);
  ExpectCall();
  ReturnSum(1, 3);
  ReturnSum(1, 3);
  EXPECT_EQ(*call.Get(), 3u);
  peer_->PassOver(protocol::Message::FINISH);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 1"));
}

// --- the end ------------------------------------------------------------------------------------

TEST_F(Client, AbortEndsTheConnectionWithItsReason) {
  auto call = proxy_.async().Add(1, 2);
  AnswerBootstrap(1);
  ExpectCall();
  peer_->Send([](protocol::Message::Builder m) { m.initAbort().setReason("enough"); });
  const absl::Status status = call.Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("enough"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("the server of the test"));
  peer_->PassOver(protocol::Message::FINISH);
  EXPECT_TRUE(peer_->AtEnd());
  EXPECT_EQ(proxy_.Add(1, 2).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(Client, ReadsTheAnswersOfAPeerThatHasGone) {
  auto call = proxy_.async().Add(1, 2);
  AnswerBootstrap(1);
  ExpectCall();
  // The answer is on its way when the peer goes; writing to it fails before the answer is read.
  ReturnSum(1, 3);
  peer_->Close();
  auto late = proxy_.async().Add(1, 2);
  EXPECT_EQ(call.Get().value(), 3u);
  EXPECT_EQ(late.Get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(Client, EndOfTheStreamFailsWhatIsInFlight) {
  auto call = proxy_.async().Add(1, 2);
  AnswerBootstrap(1);
  ExpectCall();
  peer_->Close();
  const absl::Status status = call.Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Cook.add"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("the server of the test"));
}

}  // namespace
}  // namespace drover::rpc
