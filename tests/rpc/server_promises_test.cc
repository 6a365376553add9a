// References to answers that a Drover server has not given yet, and what becomes of them: one test
// for each rule.
#include <memory>
#include <utility>
#include <vector>

#include "drover/base/status_macros.h"
#include "drover/object/fields_internal.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using References = ServerTest;

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
  SendWithCap(1, kTell, Hosted(7));
  auto heard = peer_->Expect(protocol::Message::CALL);
  SendWithCap(2, kTell, Answer(1), other);
  ExpectNothing();
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(heard->root().getCall().getQuestionId());
    ret.initException().setType(protocol::Exception::Type::OVERLOADED);
  });
  peer_->PassOver(protocol::Message::FINISH);
  peer_->PassOver(protocol::Message::RELEASE);
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kResourceExhausted);
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

class BorrowedReferences : public ServerTest {
 protected:
  BorrowedReferences() : ServerTest(std::make_shared<Borrower>()) {}
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

class ManyReferences : public ServerTest {
 protected:
  ManyReferences()
      : ServerTest(std::make_shared<Cook>(),
                   {.max_calls_in_flight = 1'000'000, .max_held_answer_bytes = size_t{1} << 30}) {}
};

TEST_F(ManyReferences, ThroughAVeryLongChainOfPromisesReachTheirObject) {
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

}  // namespace
}  // namespace drover::rpc
