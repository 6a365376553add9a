// Which answers of a Drover server need a Finish, and which are gone as they leave.
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using Calls = ServerTest;

TEST_F(Calls, OnWhoseAnswersNobodyCallsNeedNoFinish) {
  Front();
  const auto ask = [&](CookMethod method) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall(m, 1, method);
      call.initTarget().setImportedCap(front_);
      call.setNoPromisePipelining(true);
      if (method == kFail) call.initParams().getContent().initAs<Wire::FailParams>().setCode(5);
    });
    return peer_->ExpectReturn(1)->root().getReturn().getNoFinishNeeded();
  };
  // The number is free at once, whatever the results are.
  EXPECT_TRUE(ask(kAdd));
  EXPECT_TRUE(ask(kEcho));
  EXPECT_TRUE(ask(kFail));
  EXPECT_EQ(TableSizes().answers, 0u);
  // But not where there is something for a Finish to release.
  EXPECT_FALSE(ask(kKept));
  EXPECT_EQ(TableSizes().answers, 1u);
}

TEST_F(Calls, OnWhoseAnswersSomebodyCallsAgainstTheHintNeedAFinish) {
  Front();
  SendPlain(0, kLater);  // occupies the cook
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kAdd);
    call.initTarget().setImportedCap(front_);
    call.setNoPromisePipelining(true);
  });
  SendHeard(2, 1, {0}, "x");
  cook_->gate.AwaitArrivals(1);
  ExpectNothing();
  cook_->gate.Open();
  peer_->ExpectReturn(0);
  EXPECT_FALSE(peer_->ExpectReturn(1)->root().getReturn().getNoFinishNeeded());
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace drover::rpc
