// Capabilities that travel to and from a Drover client, and when they are released: one test for
// each rule.
#include <memory>
#include <utility>
#include <vector>

#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using Client = ClientTest;

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

}  // namespace
}  // namespace drover::rpc
