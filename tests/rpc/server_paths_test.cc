// Calls of the peer on promised answers, by ways that few peers take: one test for each rule.
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

}  // namespace
}  // namespace drover::rpc
