// Capabilities that travel to and from a Drover server: one test for each kind of descriptor. When
// they are released is in server_releases_test.cc, promises are in server_promises_test.cc.
#include "drover/object/fields_internal.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using References = ServerTest;

TEST_F(References, ToThePeersObjectsAreCalledAndReleased) {
  SendWithCap(0, kTell, Hosted(5));
  AnswerHeard(5, "news", "really");
  ExpectReturnAndRelease(0, 5, 1);
  EXPECT_EQ(TableSizes().imports, 0u);
}

TEST_F(References, MayHaveAnyId) {
  for (uint32_t id : {0u, 1023u, 1024u, 0x80000000u, 0xffffffffu}) {
    SendWithCap(0, kKeep, Hosted(id));
    peer_->ExpectReturn(0);
    peer_->SendFinish(0);
    SendPlain(1, kKept);
    Descriptor::Reader cap = ExpectCap(1);
    ASSERT_TRUE(cap.isReceiverHosted());
    EXPECT_EQ(cap.getReceiverHosted(), id);
    peer_->SendFinish(1);
    SendWithCap(2, kKeep, [](Descriptor::Builder d) { d.setNone(); });
    ExpectReturnAndRelease(2, id, 1);
    peer_->SendFinish(2);
  }
}

TEST_F(References, ToThePeersObjectsGoBackAsReceiverHosted) {
  SendWithCap(0, kPass, Hosted(7));
  Descriptor::Reader cap = ExpectCap(0);
  ASSERT_TRUE(cap.isReceiverHosted());
  EXPECT_EQ(cap.getReceiverHosted(), 7u);
}

TEST_F(References, ToOwnObjectsComeHomeAsReceiverHosted) {
  SendPlain(0, kKept);
  const uint32_t id = ExpectHosted(0);
  SendWithCap(1, kPass, [id](Descriptor::Builder d) { d.setReceiverHosted(id); });
  EXPECT_EQ(ExpectHosted(1), id);  // the object itself, not something that forwards to it
}

TEST_F(References, ReceiverHostedThatDoesNotExistBreaksThatCapabilityOnly) {
  SendWithCap(0, kTell, [](Descriptor::Builder d) { d.setReceiverHosted(99); });
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kInvalidArgument);
  ExpectNothing();
}

TEST_F(References, ThatAreNoneCannotBeCalled) {
  SendWithCap(0, kTell, [](Descriptor::Builder d) { d.setNone(); });
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kInvalidArgument);
  ExpectNothing();
}

TEST_F(References, ThatAreBrokenGoOnAsAnObjectWhoseCallsFail) {
  SendWithCap(0, kPass, [](Descriptor::Builder d) { d.setReceiverHosted(99); });
  const uint32_t id = ExpectHosted(0);
  SendPlain(1, kKept, id);
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(References, FromThirdPartyHostedUseTheVine) {
  SendWithCap(0, kTell, [](Descriptor::Builder d) { d.initThirdPartyHosted().setVineId(4); });
  AnswerHeard(4, "news", "by the vine");
  ExpectReturnAndRelease(0, 4, 1);
}

TEST_F(References, OfAnUnknownKindAreBroken) {
  SendWithCap(0, kTell, [](Descriptor::Builder d) {
    d.setSenderHosted(1);
    object::SetDiscriminant(d, 0, 77);
  });
  EXPECT_EQ(ExpectError(0).code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace drover::rpc
