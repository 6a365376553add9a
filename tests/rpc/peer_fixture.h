// Fixtures with a ScriptedPeer at the far end of a connection.
#ifndef DROVER_TESTS_RPC_PEER_FIXTURE_H_
#define DROVER_TESTS_RPC_PEER_FIXTURE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "drover/object/proxy.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/local_capability.h"
#include "drover/transport/socket_stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kitchen.capnp.h"
#include "kitchen.drover.h"
#include "support/cook.h"
#include "support/scripted_peer.h"

namespace drover::rpc {

using Wire = ::kitchen::wire::Cook;  // Cap'n Proto's own classes for the params and results
using WireListener = ::kitchen::wire::Listener;
using Descriptor = protocol::CapDescriptor;
using testing_support::Cook;
using testing_support::Parrot;
using testing_support::ScriptedPeer;

// Methods of the kitchen's Cook, by number.
enum CookMethod : uint16_t {
  kAdd = 0,
  kEcho = 1,
  kFail = 2,
  kTell = 3,
  kKeep = 4,
  kKept = 5,
  kMakeCook = 6,
  kWait = 8,
  kRelease = 9,
  kRunning = 10,
  kPass = 12,
  kLater = 13,
  kLook = 14,
  kNote = 15,
  kNotes = 16,
};
constexpr uint16_t kHeard = 0;  // of Listener

// Makes `message` a Call; the target and the params are left to fill in.
template <class Interface = Wire>
protocol::Call::Builder InitCall(protocol::Message::Builder message, uint32_t question,
                                 uint16_t method) {
  auto call = message.initCall();
  call.setQuestionId(question);
  call.setInterfaceId(capnp::typeId<Interface>());
  call.setMethodId(method);
  return call;
}

// Makes `pointer` refer to capability number `index` of its message.
void SetCapPointer(capnp::AnyPointer::Builder pointer, uint32_t index);

class ConnectionTest : public testing::Test {
 protected:
  // What the connection reads and writes, made of its socket.
  using MakeStream =
      std::function<std::unique_ptr<transport::ByteStream>(std::unique_ptr<transport::ByteStream>)>;

  ~ConnectionTest() override;

  // Connects `ours` and the scripted peer; `front` may be null.
  void Start(base::Ref<Capability> front, std::string name);
  struct Sizes {
    size_t questions, answers, exports, imports;
    bool operator==(const Sizes&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Sizes& s) {
      return out << s.questions << " questions, " << s.answers << " answers, " << s.exports
                 << " exports, " << s.imports << " imports";
    }
  };
  Sizes TableSizes();
  // Waits until the tables have these sizes: references are dropped on other threads.
  void AwaitTableSizes(const Sizes& sizes);

  // Calls Heard of a listener, which is export `target`.
  void SendHeardTo(uint32_t question, uint32_t target, const std::string& text);
  // Echoes an embargo, to export `target`.
  void SendReceiverLoopback(uint32_t target, uint32_t embargo);

  size_t max_frame_bytes_ = 64 << 20;
  Limits limits_;
  Liveness liveness_;
  base::Ref<CallHooks> hooks_;
  MakeStream make_stream_;            // null: the socket itself
  std::unique_ptr<Runtime> runtime_;  // null: the default one
  base::Ref<Connection> connection_;
  std::unique_ptr<ScriptedPeer> peer_;
};

// The peer is a client, of a Cook.
class ServerTest : public ConnectionTest {
 protected:
  using Describe = std::function<void(Descriptor::Builder)>;

  explicit ServerTest(std::shared_ptr<Cook> cook = std::make_shared<Cook>(),
                      const Limits& limits = {}, MakeStream make_stream = nullptr)
      : cook_(std::move(cook)) {
    limits_ = limits;
    make_stream_ = std::move(make_stream);
    Start(LocalCapability::Of(cook_), "the client of the test");
  }

  // Asks for the front object once and for all; its export.
  uint32_t Front();
  // Descriptors, for SendWithCap: an object that the peer hosts, and what is in the first pointer
  // of an answer.
  static Describe Hosted(uint32_t id);
  static Describe Answer(uint32_t question);

  // Calls, of the front object unless said otherwise.
  void SendAdd(uint32_t question, uint32_t a, uint32_t b);
  void SendPlain(uint32_t question, CookMethod method, uint32_t target = UINT32_MAX);  // no params
  // Tell, Keep or Pass, with a capability described by `describe`.
  void SendWithCap(uint32_t question, CookMethod method, const Describe& describe,
                   uint32_t target = UINT32_MAX);
  // Of a listener inside the answer to `promised`.
  void SendHeard(uint32_t question, uint32_t promised, std::vector<uint16_t> path,
                 const std::string& text);

  // Asks something, and expects the answer as the next message: whatever was sent before has been
  // handled, and nothing else was sent back.
  void ExpectNothing();
  void ExpectSum(uint32_t question, uint32_t sum);
  void ExpectReply(uint32_t question, const std::string& reply);  // of Heard or Tell
  // A Return with an exception; the error.
  absl::Status ExpectError(uint32_t question);
  // A Return with one capability, hosted by the connection's end; its id.
  uint32_t ExpectHosted(uint32_t question);
  // A Return with one capability, of any kind.
  Descriptor::Reader ExpectCap(uint32_t question);
  // A Call of Heard on an object of the peer's.
  protocol::Call::Reader ExpectHeard(const std::string& text);
  // The same, which is answered.
  void AnswerHeard(uint32_t import, const std::string& text, const std::string& reply);
  // A Return, and Releases of `count` references, in any order: what a servant drops is released
  // when it drops it. Passes over Finishes.
  void ExpectReturnAndRelease(uint32_t question, uint32_t import, uint32_t count);

  static constexpr uint32_t kBarrier = 0x7ffffff0;
  const std::shared_ptr<Cook> cook_;
  uint32_t front_ = UINT32_MAX;
  ScriptedPeer::Received received_;  // what the last Reader is in
};

// The peer is a server.
class ClientTest : public ConnectionTest {
 protected:
  explicit ClientTest(MakeStream make_stream = nullptr, std::unique_ptr<Runtime> runtime = nullptr);

  // Expects the Bootstrap and answers with export `id`; the Finish comes with a later message.
  void AnswerBootstrap(uint32_t id);
  // A cook that the peer hosts, by way of the front object; from now on Finishes are passed over.
  // What is called on it leaves as most calls do, while a call on `proxy_` asks the promise first.
  kitchen::CookProxy MakeCook();
  protocol::Call::Reader ExpectCall();
  // Expects a Finish of this question.
  protocol::Finish::Reader ExpectFinish(uint32_t question);
  void SendReturn(uint32_t question, const std::function<void(protocol::Return::Builder)>& build);
  void ReturnSum(uint32_t question, uint32_t sum, bool no_finish_needed = false);
  // Kept's, with a capability that the peer hosts.
  void ReturnListener(uint32_t question, uint32_t id);

  kitchen::CookProxy proxy_;
  ScriptedPeer::Received received_;  // what the last Reader is in
};

}  // namespace drover::rpc

#endif  // DROVER_TESTS_RPC_PEER_FIXTURE_H_
