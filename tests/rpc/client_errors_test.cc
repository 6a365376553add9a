// What a Drover client makes of answers that are errors, or none: one test for each rule.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "drover/object/fields_internal.h"
#include "drover/rpc/status_codec.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using Client = ClientTest;

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

TEST_F(Client, ReportsReturnsOfHigherLevelsAndOfUnknownKinds) {
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::BOOTSTRAP);
  auto call = proxy_.async().Add(1, 2);
  SendReturn(ExpectCall().getQuestionId(), [](protocol::Return::Builder ret) {
    ret.initAwaitFromThirdParty().initAsAnyStruct(1, 0);
  });
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kUnimplemented);
  call = proxy_.async().Add(1, 2);
  SendReturn(ExpectCall().getQuestionId(),
             [](protocol::Return::Builder ret) { object::SetDiscriminant(ret, 3, 77); });
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(connection_->open());
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

// --- Returns that end the connection: the call ends with it
// -----------------------------------------

// The call of question 1, whose Return makes `build`, fails as one of a lost connection does.
class SpoiledReturn : public ClientTest {
 protected:
  void ExpectTheEnd(const std::function<void(protocol::Message::Builder)>& build) {
    auto call = proxy_.async().Tell(std::make_shared<Parrot>(), "x");
    AnswerBootstrap(1);
    ExpectCall();
    peer_->SendRelease(0, 1);  // the parrot
    peer_->Send(build);
    EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kUnavailable);
    peer_->PassOver(protocol::Message::FINISH);
    peer_->ExpectAbort();
  }
  void ExpectTheEndOfReturn(const std::function<void(protocol::Return::Builder)>& build) {
    ExpectTheEnd([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(1);
      ret.setReleaseParamCaps(false);
      build(ret);
    });
  }
};

TEST_F(SpoiledReturn, ThatReleasesWhatWasReleased) {
  ExpectTheEndOfReturn([](protocol::Return::Builder ret) {
    ret.setReleaseParamCaps(true);
    ret.initResults();
  });
}

TEST_F(SpoiledReturn, WithAnUnreadableTableOfCapabilities) {
  ExpectTheEndOfReturn([](protocol::Return::Builder ret) {
    capnp::AnyStruct::Builder results(ret.initResults());
    results.getPointerSection()[1].initAsAnyStruct(1, 0);
  });
}

TEST_F(SpoiledReturn, InPlaceOfWhichTheCallIsEchoedAfterItsParamsWereReleased) {
  ExpectTheEnd(
      [](protocol::Message::Builder m) { m.initUnimplemented().initCall().setQuestionId(1); });
}

}  // namespace
}  // namespace drover::rpc
