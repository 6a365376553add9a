// What a Drover client sends, and what it makes of the answers: one test for each rule.
#include <string>
#include <utility>
#include <vector>

#include "drover/object/fields_internal.h"
#include "drover/rpc/status_codec.h"
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
  SendReturn(1, [](protocol::Return::Builder ret) {
    ret.setNoFinishNeeded(true);
    ret.initResults().getContent().initAs<Wire::AddResults>().setSum(3);
  });
  EXPECT_EQ(*call.Get(), 3u);
  ExpectFinish(0);  // of the Bootstrap
  // Its number is free at once.
  auto next = proxy_.async().Add(1, 2);
  EXPECT_EQ(ExpectCall().getQuestionId(), 0u);
  auto another = proxy_.async().Add(1, 2);
  EXPECT_EQ(ExpectCall().getQuestionId(), 1u);
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
  const auto finish = ExpectFinish(0);
  EXPECT_TRUE(finish.getReleaseResultCaps());
  ReturnSum(1, 3);
  EXPECT_EQ(*call.Get(), 3u);
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

// --- errors -------------------------------------------------------------------------------------

TEST_F(Client, MapsTheTypesOfForeignErrors) {
  using Type = protocol::Exception::Type;
  const std::pair<Type, absl::StatusCode> kinds[] = {
      {Type::FAILED, absl::StatusCode::kUnknown},
      {Type::OVERLOADED, absl::StatusCode::kResourceExhausted},
      {Type::DISCONNECTED, absl::StatusCode::kUnavailable},
      {Type::UNIMPLEMENTED, absl::StatusCode::kUnimplemented},
      {static_cast<Type>(42), absl::StatusCode::kUnknown},
  };
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  for (const auto& [type, code] : kinds) {
    auto call = proxy_.async().Add(1, 2);
    const uint32_t question = ExpectCall().getQuestionId();
    SendReturn(question, [type = type](protocol::Return::Builder ret) {
      auto exception = ret.initException();
      exception.setType(type);
      exception.setReason("so it goes");
    });
    const absl::Status status = call.Get().status();
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.message(), "so it goes");
  }
}

TEST_F(Client, GetsTheCodeAndPayloadsOfErrors) {
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  for (int code = 1; code <= 16; ++code) {
    absl::Status sent(static_cast<absl::StatusCode>(code), "why");
    sent.SetPayload("type.test/a", absl::Cord("1"));
    sent.SetPayload("type.test/b", absl::Cord(std::string(1000, 'x')));
    auto call = proxy_.async().Add(1, 2);
    const uint32_t question = ExpectCall().getQuestionId();
    SendReturn(question,
               [&](protocol::Return::Builder ret) { ToException(sent, ret.initException()); });
    EXPECT_EQ(call.Get().status(), sent);
  }
}

TEST_F(Client, FallsBackOnTheTypeWhereTheDetailIsSpoiled) {
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  for (const std::string& data :
       {std::string(), std::string("short"), std::string(64, '\xff'), std::string(16, '\0')}) {
    auto call = proxy_.async().Add(1, 2);
    const uint32_t question = ExpectCall().getQuestionId();
    SendReturn(question, [&](protocol::Return::Builder ret) {
      auto exception = ret.initException();
      exception.setType(protocol::Exception::Type::OVERLOADED);
      exception.setReason("full");
      auto detail = exception.initDetails(1)[0];
      detail.setDetailId(protocol::STATUS_DETAIL_ID);
      detail.setData(kj::arrayPtr(reinterpret_cast<const kj::byte*>(data.data()), data.size()));
    });
    const absl::Status status = call.Get().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << data.size();
    EXPECT_EQ(status.message(), "full");
  }
}

TEST_F(Client, ReportsReturnsItDidNotAskFor) {
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  auto call = proxy_.async().Add(1, 2);
  SendReturn(ExpectCall().getQuestionId(),
             [](protocol::Return::Builder ret) { ret.setResultsSentElsewhere(); });
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kUnimplemented);
  call = proxy_.async().Add(1, 2);
  SendReturn(ExpectCall().getQuestionId(),
             [](protocol::Return::Builder ret) { ret.setCanceled(); });
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(Client, ReportsResultsThatCannotBeRead) {
  auto call = proxy_.async().Echo({});
  AnswerBootstrap(1);
  ExpectCall();
  SendReturn(1, [](protocol::Return::Builder ret) {
    auto results = ret.initResults().getContent().initAsAnyStruct(0, 1);
    results.getPointerSection()[0].initAsListOfAnyStruct(1, 0, 3);
  });
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(connection_->open());
}

TEST_F(Client, LearnsThatThePeerDoesNotImplementACall) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  auto call = proxy_.async().Tell(std::move(parrot), "x");
  AnswerBootstrap(1);
  const auto sent = ExpectCall();
  peer_->Send([&](protocol::Message::Builder m) {
    auto echo = m.initUnimplemented().initCall();
    echo.setQuestionId(sent.getQuestionId());
    echo.initParams().setCapTable(sent.getParams().getCapTable());
  });
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(gone.Get(), absl::OkStatus());  // the peer never had it
}

TEST_F(Client, LearnsThatThePeerDoesNotImplementBootstrap) {
  auto call = proxy_.async().Add(1, 2);
  received_ = peer_->Expect(protocol::Message::BOOTSTRAP);
  peer_->Send([&](protocol::Message::Builder m) { m.setUnimplemented(received_->root()); });
  ExpectCall();
  peer_->Send([&](protocol::Message::Builder m) { m.setUnimplemented(received_->root()); });
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(proxy_.Add(1, 2).status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(Client, LearnsThatThereIsNoFrontObject) {
  auto call = proxy_.async().Add(1, 2);
  received_ = peer_->Expect(protocol::Message::BOOTSTRAP);
  ExpectCall();
  SendReturn(0, [](protocol::Return::Builder ret) { ret.initResults(); });
  SendReturn(1, [](protocol::Return::Builder ret) { ret.initException().setReason("null"); });
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(proxy_.Add(1, 2).status().code(), absl::StatusCode::kNotFound);
}

// --- references ---------------------------------------------------------------------------------

TEST_F(Client, GivesParamsBackWithTheReturnIfItSaysSo) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  auto call = proxy_.async().Tell(std::move(parrot), "x");
  AnswerBootstrap(1);
  const auto caps = ExpectCall().getParams().getCapTable();
  ASSERT_EQ(caps.size(), 1u);
  EXPECT_EQ(caps[0].getSenderHosted(), 0u);
  SendReturn(1, [](protocol::Return::Builder ret) {
    ret.setReleaseParamCaps(true);
    ret.initResults().getContent().initAs<Wire::TellResults>().setReply("ok");
  });
  EXPECT_EQ(*call.Get(), "ok");
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  EXPECT_EQ(TableSizes().exports, 0u);
}

TEST_F(Client, KeepsParamsExportedUntilTheyAreReleased) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  auto call = proxy_.async().Tell(std::move(parrot), "x");
  AnswerBootstrap(1);
  ExpectCall();
  SendReturn(1, [](protocol::Return::Builder ret) {
    ret.setReleaseParamCaps(false);
    ret.initResults().getContent().initAs<Wire::TellResults>().setReply("ok");
  });
  EXPECT_EQ(*call.Get(), "ok");
  EXPECT_EQ(TableSizes().exports, 1u);
  EXPECT_FALSE(gone.ready());
  peer_->PassOver(protocol::Message::FINISH);
  // The peer may call it at any time, though nobody waits here.
  peer_->Send([](protocol::Message::Builder m) {
    auto heard = InitCall<WireListener>(m, 5, kHeard);
    heard.initTarget().setImportedCap(0);
    heard.initParams().getContent().initAs<WireListener::HeardParams>().setText("later");
  });
  received_ = peer_->ExpectReturn(5);
  EXPECT_FALSE(received_->root().getReturn().getReleaseParamCaps());
  peer_->SendRelease(0, 1);
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  EXPECT_EQ(TableSizes().exports, 0u);
}

TEST_F(Client, ReleasesWhatItReceivedSeveralTimesInOne) {
  std::vector<kitchen::ListenerProxy> listeners;
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  for (int i = 0; i < 3; ++i) {
    auto call = proxy_.async().Kept();
    ReturnListener(ExpectCall().getQuestionId(), 6);
    listeners.push_back(call.Get().value());
  }
  EXPECT_EQ(listeners[0], listeners[2]);
  listeners.clear();
  received_ = peer_->Expect(protocol::Message::RELEASE);
  EXPECT_EQ(received_->root().getRelease().getId(), 6u);
  EXPECT_EQ(received_->root().getRelease().getReferenceCount(), 3u);
}

TEST_F(Client, SendsThePeersObjectsBackAsReceiverHosted) {
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  auto call = proxy_.async().Kept();
  ReturnListener(ExpectCall().getQuestionId(), 6);
  kitchen::ListenerProxy listener = call.Get().value();
  auto keep = proxy_.async().Keep(listener);
  const auto caps = ExpectCall().getParams().getCapTable();
  ASSERT_EQ(caps.size(), 1u);
  ASSERT_TRUE(caps[0].isReceiverHosted());
  EXPECT_EQ(caps[0].getReceiverHosted(), 6u);
}

TEST_F(Client, SendsThePromisedFrontObjectBackAsReceiverAnswer) {
  auto keep = proxy_.async().Keep(kitchen::ListenerProxy(proxy_));
  received_ = peer_->Expect(protocol::Message::BOOTSTRAP);
  const auto caps = ExpectCall().getParams().getCapTable();
  ASSERT_EQ(caps.size(), 1u);
  ASSERT_TRUE(caps[0].isReceiverAnswer());
  EXPECT_EQ(caps[0].getReceiverAnswer().getQuestionId(), 0u);
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
