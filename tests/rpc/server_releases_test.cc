// How many references to an object there are, and when they are given back, on a Drover server: one
// test for each rule.
#include <memory>
#include <utility>

#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;

using References = ServerTest;

TEST_F(References, ReceivedSeveralTimesAreReleasedAsOften) {
  for (uint32_t i = 0; i < 3; ++i) {
    SendWithCap(i, kKeep, Hosted(5));
    peer_->ExpectReturn(i);
    peer_->SendFinish(i);
  }
  EXPECT_EQ(TableSizes().imports, 1u);
  SendWithCap(3, kKeep, [](Descriptor::Builder d) { d.setNone(); });
  ExpectReturnAndRelease(3, 5, 3);
  ExpectNothing();
}

TEST_F(References, ToOneObjectHaveOneExport) {
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  SendPlain(1, kKept);
  EXPECT_EQ(ExpectHosted(1), id);
  // Two references: the first Finish takes one of them, the second the other.
  peer_->SendFinish(0);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 2u);
  peer_->SendFinish(1);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 1u);  // the front object
}

TEST_F(References, FinishTakesThoseInTheResultsIfItSaysSo) {
  SendPlain(0, kMakeCook);
  ExpectHosted(0);
  peer_->SendFinish(0, /*release_result_caps=*/true);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 1u);

  SendPlain(0, kMakeCook);
  const uint32_t id = ExpectHosted(0);
  peer_->SendFinish(0, /*release_result_caps=*/false);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 2u);
  peer_->SendRelease(id, 1);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 1u);
}

TEST_F(References, ReleasedWhileTheAnswerHoldsThemStayForCallsOnIt) {
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  peer_->SendRelease(id, 1);
  SendHeard(1, 0, {0}, "still here");
  ExpectReply(1, "heard still here");
  peer_->SendFinish(0, /*release_result_caps=*/false);
  ExpectNothing();
}

TEST_F(References, ReleasedLessOftenThanGivenStay) {
  SendPlain(0, kMakeCook);
  const uint32_t id = ExpectHosted(0);
  peer_->SendFinish(0, /*release_result_caps=*/false);
  SendWithCap(1, kPass, [id](Descriptor::Builder d) { d.setReceiverHosted(id); });
  EXPECT_EQ(ExpectHosted(1), id);
  peer_->SendFinish(1, /*release_result_caps=*/false);
  peer_->SendRelease(id, 1);
  SendPlain(2, kNotes, id);
  EXPECT_TRUE(peer_->ExpectReturn(2)->root().getReturn().isResults());
  peer_->SendRelease(id, 1);
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 1u);  // the front object
}

TEST_F(References, GivenBackDestroyTheObject) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  cook_->Keep(std::move(parrot)).IgnoreError();  // it cannot fail
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  peer_->SendFinish(0, /*release_result_caps=*/false);
  SendWithCap(1, kKeep, [](Descriptor::Builder d) { d.setNone(); });
  peer_->ExpectReturn(1);
  EXPECT_FALSE(gone.ready());
  peer_->SendRelease(id, 1);
  EXPECT_EQ(gone.Get(), absl::OkStatus());
}

TEST_F(References, ReleasedMoreOftenThanGivenEndTheConnection) {
  Front();
  peer_->SendRelease(front_, 2);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("export 0"));
}

TEST_F(References, ReleaseOfAnUnknownExportEndsTheConnection) {
  Front();
  peer_->SendRelease(1234, 1);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("export 1234"));
}

TEST_F(References, FinishOfWhatWasReleasedAlreadyEndsTheConnection) {
  SendPlain(0, kMakeCook);
  const uint32_t id = ExpectHosted(0);
  peer_->SendRelease(id, 1);
  peer_->SendFinish(0, /*release_result_caps=*/true);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("export"));
}

TEST_F(References, GetTheLowestFreeExportOnceBothSidesLetItGo) {
  Front();  // 0
  for (uint32_t i = 0; i < 4; ++i) {
    SendPlain(i, kMakeCook);
    EXPECT_EQ(ExpectHosted(i), i + 1);
    peer_->SendFinish(i, /*release_result_caps=*/false);
  }
  peer_->SendRelease(3, 1);
  peer_->SendRelease(2, 1);
  SendPlain(0, kMakeCook);
  EXPECT_EQ(ExpectHosted(0), 2u);
  SendPlain(1, kMakeCook);
  EXPECT_EQ(ExpectHosted(1), 3u);
  SendPlain(2, kMakeCook);
  EXPECT_EQ(ExpectHosted(2), 5u);
}

TEST_F(References, EndWithTheConnection) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  cook_->Keep(std::move(parrot)).IgnoreError();  // it cannot fail
  SendPlain(0, kKept);
  ExpectHosted(0);
  SendWithCap(1, kKeep, Hosted(3));
  peer_->ExpectReturn(1);
  peer_->Close();
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  // The cook still has a reference to an object of the peer; calls on it fail.
  EXPECT_EQ(cook_->Kept()->Heard("anybody?").status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace drover::rpc
