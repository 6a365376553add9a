// Promises that travel to and from a Drover server, how they resolve, and the embargoes that keep
// calls in order: one test for each rule.
#include <string>
#include <vector>

#include "rpc/promises_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// --- promises of the peer -----------------------------------------------------------------------

TEST_F(Promises, OfThePeerTakeCallsAtOnce) {
  SendWithCap(0, kTell, Promise(9));
  AnswerHeard(9, "news", "promised");
  ExpectReply(0, "promised");
}

TEST_F(Promises, ResolvedToAnObjectOfThePeerSendCallsThere) {
  KeepPromise(9);
  const kitchen::ListenerProxy kept = *cook_->Kept();
  auto first = kept.async().Heard("first");
  EXPECT_EQ(ExpectHeard("first").getTarget().getImportedCap(), 9u);
  SendResolve(9, Theirs(12));
  ExpectNothing();  // no Disembargo either
  auto second = kept.async().Heard("second");
  EXPECT_EQ(ExpectHeard("second").getTarget().getImportedCap(), 12u);
}

TEST_F(Promises, ResolvedAreReleasedWhenTheLastReferenceGoes) {
  KeepPromise(9);
  SendResolve(9, Theirs(12));
  ExpectNothing();
  SendWithCap(1, kKeep, [](Descriptor::Builder d) { d.setNone(); });
  std::vector<uint32_t> released;
  while (released.size() < 2) {
    received_ = peer_->Receive();
    ASSERT_NE(received_, nullptr);
    if (received_->root().isRelease()) released.push_back(received_->root().getRelease().getId());
  }
  EXPECT_THAT(released, testing::UnorderedElementsAre(9u, 12u));
  EXPECT_EQ(TableSizes().imports, 0u);
}

TEST_F(Promises, ResolvedToAnErrorFailCallsWithIt) {
  KeepPromise(9);
  peer_->Send([&](protocol::Message::Builder m) {
    auto resolve = m.initResolve();
    resolve.setPromiseId(9);
    auto exception = resolve.initException();
    exception.setType(protocol::Exception::Type::OVERLOADED);
    exception.setReason("too much");
  });
  ExpectNothing();
  const absl::Status status = cook_->Kept()->Heard("anybody").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("too much"));
}

TEST_F(Promises, ResolvedToAnUnusedObjectOfOursCallItDirectly) {
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  SendResolve(9, Ours(ours));
  ExpectNothing();
  EXPECT_EQ(*cook_->Kept()->Heard("hello"), "recorded hello");
  ExpectNothing();
}

TEST_F(Promises, ResolvedToAnObjectOfOursHoldCallsUntilTheDisembargoIsBack) {
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  const kitchen::ListenerProxy kept = *cook_->Kept();
  auto first = kept.async().Heard("first");
  const uint32_t travelling = ExpectHeard("first").getQuestionId();
  SendResolve(9, Ours(ours));
  received_ = peer_->Expect(protocol::Message::DISEMBARGO);
  const auto disembargo = received_->root().getDisembargo();
  EXPECT_EQ(disembargo.getTarget().getImportedCap(), 9u);
  ASSERT_TRUE(disembargo.getContext().isSenderLoopback());
  const uint32_t embargo = disembargo.getContext().getSenderLoopback();

  auto second = kept.async().Heard("second");
  ExpectNothing();
  EXPECT_THAT(recorder_->heard(), ElementsAre());
  // The peer sends the first call back, then the Disembargo.
  SendHeardTo(20, ours, "first");
  SendReceiverLoopback(ours, embargo);
  ExpectReply(20, "recorded first");
  ReturnHeard(travelling, "recorded first");
  EXPECT_EQ(*second.Get(), "recorded second");
  EXPECT_EQ(*first.Get(), "recorded first");
  EXPECT_THAT(recorder_->heard(), ElementsAre("first", "second"));
}

TEST_F(Promises, ResolvedToPromisesKeepTheirEmbargo) {
  // What travelled through the first promise comes back when the second resolves.
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  const kitchen::ListenerProxy kept = *cook_->Kept();
  auto first = kept.async().Heard("first");
  ExpectHeard("first");
  SendResolve(9, Promise(10));
  SendResolve(10, Ours(ours));
  received_ = peer_->Expect(protocol::Message::DISEMBARGO);
  EXPECT_EQ(received_->root().getDisembargo().getTarget().getImportedCap(), 10u);
}

TEST_F(Promises, ThatWereReleasedMayStillBeResolved) {
  SendWithCap(0, kTell, Promise(9));
  AnswerHeard(9, "news", "promised");
  ExpectReturnAndRelease(0, 9, 1);
  SendResolve(9, Theirs(12));
  received_ = peer_->Expect(protocol::Message::RELEASE);
  EXPECT_EQ(received_->root().getRelease().getId(), 12u);
  ExpectNothing();
}

TEST_F(Promises, ResolvedTwiceEndTheConnection) {
  KeepPromise(9);
  SendResolve(9, Theirs(12));
  SendResolve(9, Theirs(13));
  peer_->PassOver(protocol::Message::RELEASE);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("import 9, which has been resolved"));
}

TEST_F(Promises, ResolveOfAnObjectEndsTheConnection) {
  SendWithCap(0, kKeep, Theirs(9));
  peer_->ExpectReturn(0);
  SendResolve(9, Theirs(12));
  peer_->PassOver(protocol::Message::RELEASE);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("import 9, which is no promise"));
}

TEST_F(Promises, EmbargoedWhenTheConnectionEndsFailTheirCalls) {
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  const kitchen::ListenerProxy kept = *cook_->Kept();
  auto first = kept.async().Heard("first");
  ExpectHeard("first");
  SendResolve(9, Ours(ours));
  peer_->Expect(protocol::Message::DISEMBARGO);
  auto second = kept.async().Heard("second");
  peer_->Close();
  EXPECT_EQ(first.Get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.Get().status().code(), absl::StatusCode::kUnavailable);
}

// --- promises of ours ---------------------------------------------------------------------------

TEST_F(Promises, OfOursAreAnnouncedAndResolved) {
  const uint32_t promise = ExportedPromise();
  cook_->gate.Open();
  // The Return of 10 and the Resolve come in either order.
  bool returned = false, resolved = false;
  while (!returned || !resolved) {
    received_ = peer_->Receive();
    ASSERT_NE(received_, nullptr);
    if (received_->root().isReturn()) returned = true;
    if (!received_->root().isResolve()) continue;
    resolved = true;
    EXPECT_EQ(received_->root().getResolve().getPromiseId(), promise);
    EXPECT_TRUE(received_->root().getResolve().getCap().isSenderHosted());
  }
}

TEST_F(Promises, OfOursInsideAnAnswerTakeTheirTurnWithTheCallsOnIt) {
  recorder_ = std::make_shared<Recorder>();
  ASSERT_TRUE(cook_->Keep(recorder_).ok());  // which Later gives
  const uint32_t promise = ExportedPromise();
  const auto call_promise = [&](uint32_t question, const std::string& text) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall<WireListener>(m, question, kHeard);
      call.initTarget().setImportedCap(promise);
      call.initParams().getContent().initAs<WireListener::HeardParams>().setText(text);
    });
  };
  SendHeard(21, 10, {0}, "1");
  call_promise(22, "2");
  SendHeard(23, 10, {0}, "3");
  call_promise(24, "4");
  ExpectNothing();
  peer_->PassOver(protocol::Message::RESOLVE);
  cook_->gate.Open();
  for (int i = 0; i < 5; ++i) peer_->Expect(protocol::Message::RETURN);
  EXPECT_THAT(recorder_->heard(), ElementsAre("1", "2", "3", "4"));
}

TEST_F(Promises, OfOursSentTwiceAreResolvedOnce) {
  SendPlain(11, kMakeCook);
  other_ = ExpectHosted(11);
  SendPlain(10, kLater);
  cook_->gate.AwaitArrivals(1);
  SendWithCap(12, kKeep, Answer(10), other_);
  peer_->ExpectReturn(12);
  SendPlain(13, kKept, other_);
  const uint32_t promise = ExpectCap(13).getSenderPromise();
  SendPlain(14, kKept, other_);
  EXPECT_EQ(ExpectCap(14).getSenderPromise(), promise);
  EXPECT_TRUE(ResolveExported(promise).getCap().isSenderHosted());
  ExpectNothing();
}

TEST_F(Promises, OfOursSentAgainAfterTheirReleaseAreResolvedOnce) {
  SendPlain(11, kMakeCook);
  other_ = ExpectHosted(11);
  SendPlain(10, kLater);
  cook_->gate.AwaitArrivals(1);
  SendWithCap(12, kKeep, Answer(10), other_);
  peer_->ExpectReturn(12);
  SendPlain(13, kKept, other_);
  const uint32_t promise = ExpectCap(13).getSenderPromise();
  peer_->SendFinish(13);  // with its one reference to the promise
  SendPlain(14, kKept, other_);
  EXPECT_EQ(ExpectCap(14).getSenderPromise(), promise);
  EXPECT_TRUE(ResolveExported(promise).getCap().isSenderHosted());
  ExpectNothing();
}

TEST_F(Promises, OfOursThatWereReleasedAreNotResolved) {
  ExportedPromise();
  peer_->SendFinish(12);  // with its one reference to the promise
  ExpectNothing();
  cook_->gate.Open();
  peer_->ExpectReturn(10);
  ExpectNothing();
}

TEST_F(Promises, OfOursWhoseResolveIsUnimplementedLetGoOfWhatTheyBecame) {
  const uint32_t promise = ExportedPromise();
  EXPECT_TRUE(ResolveExported(promise).getCap().isSenderHosted());
  peer_->SendFinish(10);  // takes the reference in its results
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 4u);  // two cooks, the promise, what it became
  peer_->Send([&](protocol::Message::Builder m) { m.setUnimplemented(received_->root()); });
  ExpectNothing();
  EXPECT_EQ(TableSizes().exports, 3u);
}

TEST_F(Promises, OfOursTakeCallsBeforeTheyAreResolved) {
  const uint32_t promise = ExportedPromise();
  peer_->PassOver(protocol::Message::RESOLVE);
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall<WireListener>(m, 20, kHeard);
    call.initTarget().setImportedCap(promise);
    call.initParams().getContent().initAs<WireListener::HeardParams>().setText("early");
  });
  cook_->gate.Open();
  peer_->ExpectReturn(10);
  ExpectReply(20, "heard early");
}

TEST_F(Promises, OfOursThatAreReleasedStillGiveTheirCallsToWhatTheyBecome) {
  const uint32_t promise = ExportedPromise();
  SendHeardTo(20, promise, "early");
  peer_->SendFinish(12);  // with its one reference to the promise
  ExpectNothing();
  cook_->gate.Open();
  peer_->ExpectReturn(10);
  ExpectReply(20, "heard early");
}

TEST_F(Promises, OfOursThatFailAreResolvedToTheError) {
  ASSERT_TRUE(cook_->Keep(kitchen::ListenerProxy()).ok());  // Later gives nothing
  const uint32_t promise = ExportedPromise();
  peer_->PassOver(protocol::Message::RETURN);
  cook_->gate.Open();
  received_ = peer_->Expect(protocol::Message::RESOLVE);
  EXPECT_EQ(received_->root().getResolve().getPromiseId(), promise);
  EXPECT_TRUE(received_->root().getResolve().isException());
}

TEST_F(Promises, OfOursThatBecomeThePeersObjectGoHomeAndEchoDisembargoesBehindTheCalls) {
  SendWithCap(0, kKeep, Theirs(7));
  peer_->ExpectReturn(0);
  const uint32_t promise = ExportedPromise();
  peer_->PassOver(protocol::Message::RETURN);
  for (const char* text : {"a", "b"}) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall<WireListener>(m, text[0], kHeard);
      call.initTarget().setImportedCap(promise);
      call.initParams().getContent().initAs<WireListener::HeardParams>().setText(text);
    });
  }
  cook_->gate.Open();
  // The echo comes behind the calls, whenever the Resolve came.
  std::vector<std::string> order;
  while (order.empty() || order.back() != "echo") {
    received_ = peer_->Receive();
    ASSERT_NE(received_, nullptr);
    const auto message = received_->root();
    if (message.isResolve()) {
      EXPECT_EQ(message.getResolve().getPromiseId(), promise);
      EXPECT_EQ(message.getResolve().getCap().getReceiverHosted(), 7u);
      peer_->Send([&](protocol::Message::Builder m) {
        auto disembargo = m.initDisembargo();
        disembargo.initTarget().setImportedCap(promise);
        disembargo.getContext().setSenderLoopback(3);
      });
    } else if (message.isCall()) {
      EXPECT_EQ(message.getCall().getTarget().getImportedCap(), 7u);
      const auto params = message.getCall().getParams().getContent();
      order.emplace_back(params.getAs<WireListener::HeardParams>().getText().cStr());
    } else {
      ASSERT_TRUE(message.isDisembargo()) << kj::str(message).cStr();
      EXPECT_EQ(message.getDisembargo().getTarget().getImportedCap(), 7u);
      EXPECT_EQ(message.getDisembargo().getContext().getReceiverLoopback(), 3u);
      order.emplace_back("echo");
    }
  }
  EXPECT_THAT(order, ElementsAre("a", "b", "echo"));
}

}  // namespace
}  // namespace drover::rpc
