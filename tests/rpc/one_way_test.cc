// One-way calls on the wire: what a Drover peer may send, what it gets back, and what ends its
// connection.
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "drover/rpc/batch.h"
#include "rpc/hostile_fixture.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Build = std::function<void(protocol::Call::Builder)>;

constexpr uint64_t kWeight = protocol::ONE_WAY_CALL_BYTES;  // of a small call
constexpr uint64_t kWindow = 8 * kWeight;

Limits SmallWindow() {
  Limits limits;
  limits.max_one_way_bytes = kWindow;
  return limits;
}

// --- the peer is a client -----------------------------------------------------------------------

class OneWayCalls : public ServerTest {
 protected:
  OneWayCalls() : ServerTest(std::make_shared<Cook>(), SmallWindow()) {}

  void SayHello() {
    Front();
    connection_->EnableExtensions(kWindow);
  }
  // Note, unless `change` makes something else of it.
  void SendNote(
      uint32_t entry, const Build& change = [](protocol::Call::Builder) {}) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall(m, 0, kNote);
      call.initTarget().setImportedCap(front_);
      call.initParams().getContent().initAs<Wire::NoteParams>().setEntry(entry);
      call.setOneWay(true);
      change(call);
    });
  }
  std::vector<uint32_t> Notes() {
    SendPlain(50, kNotes);
    const auto message = peer_->ExpectReturn(50);
    peer_->SendFinish(50);
    std::vector<uint32_t> notes;
    const auto content = message->root().getReturn().getResults().getContent();
    for (uint32_t entry : content.getAs<Wire::NotesResults>().getEntries()) notes.push_back(entry);
    return notes;
  }
  uint64_t ExpectCredit() {
    const auto message = peer_->Expect(protocol::Message::OBSOLETE_DELETE);
    return message->root().getObsoleteDelete().getAs<protocol::OneWayCredit>().getBytes();
  }
};

TEST_F(OneWayCalls, RunInTheirTurnAndAreNotAnswered) {
  SayHello();
  SendNote(1);
  SendPlain(7, kNotes);
  const auto message = peer_->ExpectReturn(7);  // the first thing that comes back
  const auto content = message->root().getReturn().getResults().getContent();
  EXPECT_EQ(content.getAs<Wire::NotesResults>().getEntries().size(), 1u);
  EXPECT_EQ(TableSizes().answers, 1u);  // that of Notes
}

TEST_F(OneWayCalls, AreOrdinaryOnesBeforeHello) {
  Front();
  SendNote(1);
  peer_->ExpectReturn(0);
}

TEST_F(OneWayCalls, OfWhichAQuarterOfTheWindowHasEndedAreCredited) {
  SayHello();
  SendNote(1);
  EXPECT_THAT(Notes(), ElementsAre(1));  // and no credit yet
  SendNote(2);
  EXPECT_EQ(ExpectCredit(), 2 * kWeight);
  // A larger one counts its bytes.
  SendNote(3, [](protocol::Call::Builder call) {
    call.setInterfaceId(capnp::typeId<Wire>());
    call.setMethodId(kEcho);
    call.getParams().getContent().initAs<Wire::EchoParams>().initData(4096);
  });
  EXPECT_GT(ExpectCredit(), 4096u);
}

TEST_F(OneWayCalls, ThatFailAreCreditedAndLogged) {
  CapturedLog log;
  SayHello();
  for (int i = 0; i < 2; ++i) {
    SendNote(0, [](protocol::Call::Builder call) {
      call.setMethodId(kFail);
      auto params = call.getParams().getContent().initAs<Wire::FailParams>();
      params.setCode(5);
      params.setMessage("no such spice");
    });
  }
  EXPECT_GE(ExpectCredit(), 2 * kWeight);
  log.Await("no such spice");
  log.Await("one-way call Cook.fail of the client of the test failed (so far 1 of this");
}

TEST_F(OneWayCalls, OfAMethodThatDoesNotExistHarmNobody) {
  SayHello();
  SendNote(0, [](protocol::Call::Builder call) { call.setMethodId(999); });
  SendNote(0, [](protocol::Call::Builder call) { call.setInterfaceId(999); });
  EXPECT_EQ(ExpectCredit(), 2 * kWeight);
  SendNote(4);
  EXPECT_THAT(Notes(), ElementsAre(4));
}

TEST_F(OneWayCalls, RunAndAreWaitedForAfterTheirConnectionHasEnded) {
  SayHello();
  kitchen::CookProxy here(cook_);
  auto later = here.async().Later();  // occupies the cook, whatever becomes of the connection
  cook_->gate.AwaitArrivals(1);
  SendNote(1);
  ExpectNothing();  // it has arrived
  peer_->Close();
  while (connection_->open()) std::this_thread::yield();
  // A server that shuts down waits for it all the same.
  std::atomic<bool> idle = false;
  connection_->NotifyIdle([&] { idle = true; });
  EXPECT_FALSE(idle);
  cook_->gate.Open();
  while (!idle) std::this_thread::yield();
  EXPECT_TRUE(later.Get().ok());
  EXPECT_THAT(here.Notes().value(), ElementsAre(1));
}

TEST_F(OneWayCalls, WithTheNumberOfAQuestionEndTheConnection) {
  SayHello();
  SendNote(1, [](protocol::Call::Builder call) { call.setQuestionId(3); });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("one-way call has the number 3 of a question"));
}

TEST_F(OneWayCalls, ToAPromisedAnswerEndTheConnection) {
  SayHello();
  SendPlain(9, kLater);
  SendNote(1, [](protocol::Call::Builder call) {
    call.initTarget().initPromisedAnswer().setQuestionId(9);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("addressed to what is no export"));
  cook_->gate.Open();
}

TEST_F(OneWayCalls, ToAnUnknownExportEndTheConnection) {
  SayHello();
  SendNote(1, [](protocol::Call::Builder call) { call.getTarget().setImportedCap(4711); });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("names export 4711"));
}

TEST_F(OneWayCalls, WithCapabilitiesEndTheConnection) {
  SayHello();
  SendNote(1, [](protocol::Call::Builder call) {
    call.setMethodId(kKeep);
    SetCapPointer(call.getParams().getContent(), 0);
    call.getParams().initCapTable(1)[0].setSenderHosted(1);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("has capabilities in its params"));
}

TEST_F(OneWayCalls, ThatSayWhereResultsGoEndTheConnection) {
  SayHello();
  SendNote(1, [](protocol::Call::Builder call) { call.getSendResultsTo().setYourself(); });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("where its results are to go"));
}

TEST_F(OneWayCalls, BeyondTheWindowEndTheConnection) {
  SayHello();
  SendPlain(7, kLater);  // occupies the cook
  cook_->gate.AwaitArrivals(1);
  for (uint32_t i = 0; i < kWindow / kWeight; ++i) SendNote(i);
  ExpectNothing();
  SendNote(8);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("limits.max_one_way_bytes"));
  cook_->gate.Open();
}

TEST_F(OneWayCalls, MayBeLargerThanTheWindowIfFewAreUnderWay) {
  SayHello();
  SendNote(0, [](protocol::Call::Builder call) {
    call.setMethodId(kEcho);
    call.getParams().getContent().initAs<Wire::EchoParams>().initData(4 * kWindow);
  });
  EXPECT_GT(ExpectCredit(), 4 * kWindow);
}

class OneWayCallsOfNoWindow : public OneWayCalls {
 protected:
  OneWayCallsOfNoWindow() {
    connection_->Close(absl::CancelledError("the limits change"));
    limits_.max_one_way_bytes = 0;
    Start(LocalCapability::Of(cook_), "the client of the test");
  }
};

TEST_F(OneWayCallsOfNoWindow, EndTheConnection) {
  SayHello();
  SendNote(1);
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("the window that was granted is 0"));
}

TEST_F(OneWayCalls, CreditBeforeHelloIsUnimplemented) {
  Front();
  peer_->Send([](protocol::Message::Builder m) {
    m.initObsoleteDelete().initAs<protocol::OneWayCredit>().setBytes(1);
  });
  peer_->Expect(protocol::Message::UNIMPLEMENTED);
}

TEST_F(OneWayCalls, CreditForWhatWasNotSentEndsTheConnection) {
  SayHello();
  peer_->Send([](protocol::Message::Builder m) {
    m.initObsoleteDelete().initAs<protocol::OneWayCredit>().setBytes(1);
  });
  EXPECT_THAT(peer_->ExpectAbort(), HasSubstr("0 are under way"));
}

// --- the peer is a server -----------------------------------------------------------------------

class OneWayClient : public ClientTest {
 protected:
  // The front object is known, and is Drover's, which grants `window`.
  void SayHello(uint64_t window) {
    auto sum = proxy_.async().Add(1, 2);
    AnswerBootstrap(17);
    peer_->PassOver(protocol::Message::FINISH);
    ReturnSum(ExpectCall().getQuestionId(), 3);
    ASSERT_EQ(sum.Get().value(), 3u);
    connection_->EnableExtensions(window);
  }
  void ExpectOneWay() {
    const auto call = ExpectCall();
    EXPECT_TRUE(call.getOneWay());
    EXPECT_EQ(call.getQuestionId(), 0u);
    EXPECT_EQ(call.getTarget().getImportedCap(), 17u);
    EXPECT_EQ(call.getMethodId(), kNote);
  }
  void ReturnNothing(uint32_t question) {
    SendReturn(question, [](protocol::Return::Builder ret) {
      ret.initResults().getContent().initAs<Wire::NoteResults>();
    });
  }
};

TEST_F(OneWayClient, LeavesNoQuestionBehind) {
  SayHello(kWindow);
  EXPECT_EQ(proxy_.one_way().Note(1), absl::OkStatus());
  ExpectOneWay();
  EXPECT_EQ(TableSizes().questions, 0u);
}

TEST_F(OneWayClient, AsksAPeerThatIsNotDroverAndWaitsForNothing) {
  SayHello(/*window=*/0);
  EXPECT_EQ(proxy_.one_way().Note(1), absl::OkStatus());
  const auto call = ExpectCall();
  EXPECT_FALSE(call.getOneWay());
  EXPECT_TRUE(call.getNoPromisePipelining());
  ReturnNothing(call.getQuestionId());
  AwaitTableSizes({0, 0, 0, 1});
}

TEST_F(OneWayClient, AsksWhereObjectsAreAmongTheParams) {
  SayHello(kWindow);
  EXPECT_EQ(proxy_.one_way().Keep(kitchen::ListenerProxy(std::make_shared<Parrot>())),
            absl::OkStatus());
  const auto call = ExpectCall();
  EXPECT_FALSE(call.getOneWay());
  EXPECT_EQ(call.getParams().getCapTable().size(), 1u);
}

TEST_F(OneWayClient, WaitsForTheAnswerOfWhatDoesNotFitTheWindow) {
  SayHello(2 * kWeight);
  EXPECT_EQ(proxy_.one_way().Note(1), absl::OkStatus());
  EXPECT_EQ(proxy_.one_way().Note(2), absl::OkStatus());
  ExpectOneWay();
  ExpectOneWay();
  std::thread sender([&] { EXPECT_EQ(proxy_.one_way().Note(3), absl::OkStatus()); });
  const auto call = ExpectCall();
  EXPECT_FALSE(call.getOneWay());
  EXPECT_EQ(TableSizes().questions, 1u);
  peer_->Send([](protocol::Message::Builder m) {
    m.initObsoleteDelete().initAs<protocol::OneWayCredit>().setBytes(2 * kWeight);
  });
  ReturnNothing(call.getQuestionId());
  sender.join();
  EXPECT_EQ(proxy_.one_way().Note(4), absl::OkStatus());
  ExpectOneWay();
}

TEST_F(OneWayClient, SaysThatTheConnectionIsLost) {
  SayHello(kWindow);
  connection_->Close(absl::UnavailableError("it is over"));
  EXPECT_EQ(proxy_.one_way().Note(1).code(), absl::StatusCode::kUnavailable);
}

TEST_F(OneWayClient, SendsWhatAProxyLeftWhenItWent) {
  SayHello(kWindow);
  {
    Batch batch;
    EXPECT_EQ(proxy_.one_way().Note(1), absl::OkStatus());
    proxy_ = kitchen::CookProxy();
    connection_->Retire();
  }
  while (auto message = peer_->Receive()) {
    if (message->root().isCall()) return;
  }
  FAIL() << "the call was dropped";
}

}  // namespace
}  // namespace drover::rpc
