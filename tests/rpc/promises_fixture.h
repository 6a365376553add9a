// For tests of promises that travel to and from a Drover server.
#ifndef DROVER_TESTS_RPC_PROMISES_FIXTURE_H_
#define DROVER_TESTS_RPC_PROMISES_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rpc/peer_fixture.h"

namespace drover::rpc {

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
  void ReturnHeard(uint32_t question, const std::string& reply) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(question);
      ret.initResults().getContent().initAs<WireListener::HeardResults>().setReply(reply);
    });
  }
  // Pass, given the answer to a Later that waits at the cook's gate: a promise of ours.
  uint32_t ExportedPromise() {
    SendPlain(11, kMakeCook);
    other_ = ExpectHosted(11);
    SendPlain(10, kLater);
    cook_->gate.AwaitArrivals(1);
    SendWithCap(12, kPass, Answer(10), other_);
    const auto cap = ExpectCap(12);
    EXPECT_TRUE(cap.isSenderPromise());
    return cap.getSenderPromise();
  }
  // Opens the gate, and expects the Return of the Later and the Resolve, in either order.
  protocol::Resolve::Reader ResolveExported(uint32_t promise) {
    cook_->gate.Open();
    for (int i = 0; i < 2; ++i) {
      auto message = peer_->Receive();
      if (message && message->root().isResolve()) {
        received_ = std::move(message);
      } else {
        EXPECT_TRUE(message && message->root().isReturn());
      }
    }
    const auto resolve = received_->root().getResolve();
    EXPECT_EQ(resolve.getPromiseId(), promise);
    return resolve;
  }

  uint32_t other_ = 0;  // a second cook, that is not busy
  std::shared_ptr<Recorder> recorder_;
};

}  // namespace drover::rpc

#endif  // DROVER_TESTS_RPC_PROMISES_FIXTURE_H_
