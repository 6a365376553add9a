// Promises that travel to and from a Drover server, how they resolve, and the embargoes that keep
// calls in order: one test for each rule.
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Descriptor = protocol::CapDescriptor;

// Remembers what it heard, in order.
class Recorder final : public kitchen::ListenerServant {
 public:
  absl::StatusOr<std::string> Heard(std::string text) override {
    base::MutexLock lock(&mu_);
    heard_.push_back(text);
    return "recorded " + text;
  }
  std::vector<std::string> heard() {
    base::MutexLock lock(&mu_);
    return heard_;
  }

 private:
  base::Mutex mu_;
  std::vector<std::string> heard_ ABSL_GUARDED_BY(mu_);
};

class Promises : public ServerTest {
 protected:
  Promises() { peer_->PassOver(protocol::Message::FINISH); }

  static Describe Promise(uint32_t id) {
    return [id](Descriptor::Builder d) { d.setSenderPromise(id); };
  }
  static Describe Answer(uint32_t question) {
    return [question](Descriptor::Builder d) {
      auto answer = d.initReceiverAnswer();
      answer.setQuestionId(question);
      answer.initTransform(1)[0].setGetPointerField(0);
    };
  }
  static Describe Ours(uint32_t id) {
    return [id](Descriptor::Builder d) { d.setReceiverHosted(id); };
  }
  static Describe Theirs(uint32_t id) {
    return [id](Descriptor::Builder d) { d.setSenderHosted(id); };
  }
  void SendResolve(uint32_t promise, const Describe& describe) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto resolve = m.initResolve();
      resolve.setPromiseId(promise);
      describe(resolve.initCap());
    });
  }
  // Gives the cook promise `id` to keep.
  void KeepPromise(uint32_t id) {
    SendWithCap(0, kKeep, Promise(id));
    peer_->ExpectReturn(0);
    peer_->SendFinish(0);
  }
  // The export that a new object of ours has at the peer.
  uint32_t ExportRecorder() {
    recorder_ = std::make_shared<Recorder>();
    const kitchen::ListenerProxy kept = *cook_->Kept();
    cook_->Keep(kitchen::ListenerProxy(recorder_)).IgnoreError();  // it cannot fail
    SendPlain(500, kKept);
    const uint32_t id = ExpectHosted(500);
    cook_->Keep(kept).IgnoreError();  // likewise
    return id;
  }
  protocol::Call::Reader ExpectHeard(const std::string& text) {
    received_ = peer_->Expect(protocol::Message::CALL);
    const auto call = received_->root().getCall();
    EXPECT_EQ(
        std::string(call.getParams().getContent().getAs<WireListener::HeardParams>().getText()),
        text);
    return call;
  }
  void ReturnHeard(uint32_t question, const std::string& reply) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(question);
      ret.initResults().getContent().initAs<WireListener::HeardResults>().setReply(reply);
    });
  }
  // What the peer is sent of a promise of ours: the one capability of a Return.
  Descriptor::Reader ExpectCap(uint32_t question) {
    received_ = peer_->ExpectReturn(question);
    auto caps = received_->root().getReturn().getResults().getCapTable();
    if (caps.size() != 1) {
      ADD_FAILURE() << kj::str(received_->root()).cStr();
      return {};
    }
    return caps[0];
  }
  // Pass, given the answer to a Later that waits at the cook's gate: a promise of ours.
  uint32_t ExportedPromise() {
    SendPlain(11, kMakeCook);
    const uint32_t other = ExpectHosted(11);
    SendPlain(10, kLater);
    cook_->gate.AwaitArrivals(1);
    SendWithCap(12, kPass, Answer(10), other);
    const auto cap = ExpectCap(12);
    EXPECT_TRUE(cap.isSenderPromise());
    return cap.getSenderPromise();
  }

  std::shared_ptr<Recorder> recorder_;
  ScriptedPeer::Received received_;
};

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
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall<WireListener>(m, 20, kHeard);
    call.initTarget().setImportedCap(ours);
    call.initParams().getContent().initAs<WireListener::HeardParams>().setText("first");
  });
  peer_->Send([&](protocol::Message::Builder m) {
    auto back = m.initDisembargo();
    back.initTarget().setImportedCap(ours);
    back.getContext().setReceiverLoopback(embargo);
  });
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

TEST_F(Promises, OfOursThatFailAreResolvedToTheError) {
  const uint32_t promise = ExportedPromise();
  peer_->PassOver(protocol::Message::RETURN);
  peer_->SendFinish(10);  // cancels what was to resolve it
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

// --- tail calls ---------------------------------------------------------------------------------

class TailCalls : public Promises {
 protected:
  // Calls the recorder, which is export `ours`, and asks to keep the results.
  void SendTail(uint32_t question, uint32_t ours, const std::string& text) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall<WireListener>(m, question, kHeard);
      call.initTarget().setImportedCap(ours);
      call.getSendResultsTo().setYourself();
      call.initParams().getContent().initAs<WireListener::HeardParams>().setText(text);
    });
  }
  void ReturnFrom(uint32_t question, uint32_t other) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(question);
      ret.setTakeFromOtherQuestion(other);
    });
  }
  void ExpectSentElsewhere(uint32_t question) {
    received_ = peer_->ExpectReturn(question);
    EXPECT_TRUE(received_->root().getReturn().isResultsSentElsewhere());
  }
};

TEST_F(TailCalls, KeepTheirResultsForTheQuestionThatTakesThem) {
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  auto call = cook_->Kept()->async().Heard("x");
  const uint32_t question = ExpectHeard("x").getQuestionId();
  SendTail(20, ours, "x");
  ExpectSentElsewhere(20);
  ReturnFrom(question, 20);
  EXPECT_EQ(*call.Get(), "recorded x");
}

TEST_F(TailCalls, MayBeTakenBeforeTheyReturn) {
  KeepPromise(9);
  auto call = cook_->Kept()->async().Heard("x");
  const uint32_t question = ExpectHeard("x").getQuestionId();
  // A tail call of Wait, whose results are taken before it returns.
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto tail = InitCall(m, 20, kWait);
    tail.initTarget().setImportedCap(front);
    tail.getSendResultsTo().setYourself();
  });
  cook_->gate.AwaitArrivals(1);
  ReturnFrom(question, 20);
  ExpectNothing();
  EXPECT_FALSE(call.ready());
  cook_->gate.Open();
  ExpectSentElsewhere(20);
  EXPECT_EQ(*call.Get(), "");  // Wait's results are empty
}

TEST_F(TailCalls, GiveTheirErrorToTheQuestionThatTakesThem) {
  KeepPromise(9);
  auto call = cook_->Kept()->async().Heard("x");
  const uint32_t question = ExpectHeard("x").getQuestionId();
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto tail = InitCall(m, 20, kFail);
    tail.initTarget().setImportedCap(front);
    tail.getSendResultsTo().setYourself();
    auto params = tail.initParams().getContent().initAs<Wire::FailParams>();
    params.setCode(static_cast<uint16_t>(absl::StatusCode::kDataLoss));
    params.setMessage("gone");
  });
  ExpectSentElsewhere(20);
  ReturnFrom(question, 20);
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(TailCalls, AreCancelledWithTheQuestionThatTakesThem) {
  KeepPromise(9);
  auto call = cook_->Kept()->async().Heard("x");
  const uint32_t question = ExpectHeard("x").getQuestionId();
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto tail = InitCall(m, 20, kWait);
    tail.initTarget().setImportedCap(front);
    tail.getSendResultsTo().setYourself();
  });
  cook_->gate.AwaitArrivals(1);
  ReturnFrom(question, 20);
  ExpectNothing();
  call.Cancel();
  EXPECT_EQ(call.Get().status().code(), absl::StatusCode::kCancelled);
  peer_->SendFinish(20);  // as the peer does when it sees our Finish
  ExpectSentElsewhere(20);
  EXPECT_EQ(TableSizes().questions, 0u);
}

TEST_F(TailCalls, ThatAnotherQuestionHasTakenEndTheConnection) {
  const uint32_t ours = ExportRecorder();
  KeepPromise(9);
  auto one = cook_->Kept()->async().Heard("1");
  const uint32_t first = ExpectHeard("1").getQuestionId();
  auto two = cook_->Kept()->async().Heard("2");
  const uint32_t second = ExpectHeard("2").getQuestionId();
  SendTail(20, ours, "x");
  ExpectSentElsewhere(20);
  ReturnFrom(first, 20);
  ReturnFrom(second, 20);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 20, which keeps none for it"));
}

TEST_F(TailCalls, ThatWereNotMadeSoCannotBeTakenFrom) {
  KeepPromise(9);
  auto call = cook_->Kept()->async().Heard("x");
  const uint32_t question = ExpectHeard("x").getQuestionId();
  SendAdd(20, 1, 2);
  ExpectSum(20, 3);
  ReturnFrom(question, 20);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("question 20, which keeps none for it"));
}

}  // namespace
}  // namespace drover::rpc
