#include "rpc/peer_fixture.h"

#include <capnp/schema.h>

#include <thread>

#include "drover/object/fields_internal.h"
#include "drover/rpc/message_caps.h"
#include "drover/rpc/status_codec.h"

namespace drover::rpc {

using object::PointerAt;

void SetCapPointer(capnp::AnyPointer::Builder pointer, uint32_t index) {
  MessageCaps caps;
  caps.list().resize(index);
  SetCapability(caps.Imbue(pointer), BrokenCapability(absl::InternalError("never sent")));
}

// --- both ends ----------------------------------------------------------------------------------

ConnectionTest::~ConnectionTest() {
  if (connection_) connection_->Close(absl::CancelledError("the test is over"));
}

void ConnectionTest::Start(base::Ref<Capability> front, std::string name) {
  auto [ours, theirs] = testing_support::SocketPair();
  ConnectionOptions options;
  options.name = std::move(name);
  options.runtime = runtime_.get();
  options.terms =
      std::make_shared<const ConnectionTerms>(ConnectionTerms{.max_frame_bytes = max_frame_bytes_,
                                                              .limits = limits_,
                                                              .liveness = liveness_,
                                                              .hooks = hooks_});
  options.front_object = std::move(front);
  std::unique_ptr<transport::ByteStream> stream =
      transport::SocketStream::Make(std::move(ours), "unix");
  if (make_stream_) stream = make_stream_(std::move(stream));
  connection_ = Connection::Create(std::move(stream), options);
  peer_ = std::make_unique<ScriptedPeer>(std::move(theirs));
}

ConnectionTest::Sizes ConnectionTest::TableSizes() {
  return connection_->WithLock([](ConnectionState& s) {
    return Sizes{s.questions.size(), s.answers.size(), s.exports.size(), s.imports.size()};
  });
}

void ConnectionTest::AwaitTableSizes(const Sizes& sizes) {
  while (TableSizes() != sizes) std::this_thread::yield();
}

void ConnectionTest::SendHeardTo(uint32_t question, uint32_t target, const std::string& text) {
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall<WireListener>(m, question, kHeard);
    call.initTarget().setImportedCap(target);
    call.initParams().getContent().initAs<WireListener::HeardParams>().setText(text);
  });
}

void ConnectionTest::SendReceiverLoopback(uint32_t target, uint32_t embargo) {
  peer_->Send([&](protocol::Message::Builder m) {
    auto back = m.initDisembargo();
    back.initTarget().setImportedCap(target);
    back.getContext().setReceiverLoopback(embargo);
  });
}

// --- the peer is a client -----------------------------------------------------------------------

uint32_t ServerTest::Front() {
  if (front_ == UINT32_MAX) front_ = peer_->Bootstrap();
  return front_;
}

ServerTest::Describe ServerTest::Hosted(uint32_t id) {
  return [id](Descriptor::Builder d) { d.setSenderHosted(id); };
}

ServerTest::Describe ServerTest::Answer(uint32_t question) {
  return [question](Descriptor::Builder d) {
    auto answer = d.initReceiverAnswer();
    answer.setQuestionId(question);
    answer.initTransform(1)[0].setGetPointerField(0);
  };
}

void ServerTest::SendAdd(uint32_t question, uint32_t a, uint32_t b) {
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, question, kAdd);
    call.initTarget().setImportedCap(front);
    auto params = call.initParams().getContent().initAs<Wire::AddParams>();
    params.setA(a);
    params.setB(b);
  });
}

void ServerTest::SendPlain(uint32_t question, CookMethod method, uint32_t target) {
  if (target == UINT32_MAX) target = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, question, method);
    call.initTarget().setImportedCap(target);
    call.initParams().getContent().initAs<Wire::KeptParams>();
  });
}

void ServerTest::SendHeard(uint32_t question, uint32_t promised, std::vector<uint16_t> path,
                           const std::string& text) {
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall<WireListener>(m, question, kHeard);
    auto answer = call.initTarget().initPromisedAnswer();
    answer.setQuestionId(promised);
    auto transform = answer.initTransform(static_cast<unsigned>(path.size()));
    for (unsigned i = 0; i < path.size(); ++i) transform[i].setGetPointerField(path[i]);
    call.initParams().getContent().initAs<WireListener::HeardParams>().setText(text);
  });
}

void ServerTest::SendWithCap(uint32_t question, CookMethod method, const Describe& describe,
                             uint32_t target) {
  if (target == UINT32_MAX) target = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, question, method);
    call.initTarget().setImportedCap(target);
    auto payload = call.initParams();
    if (method == kTell) {
      auto params = payload.getContent().initAs<Wire::TellParams>();
      params.setText("news");
      SetCapPointer(PointerAt(params, 0), 0);
    } else {
      auto params = payload.getContent().initAs<Wire::KeepParams>();  // Pass has the same
      SetCapPointer(PointerAt(params, 0), 0);
    }
    describe(payload.initCapTable(1)[0]);
  });
}

void ServerTest::ExpectNothing() {
  SendPlain(kBarrier, kRunning);
  peer_->ExpectReturn(kBarrier);
  peer_->SendFinish(kBarrier);
}

void ServerTest::ExpectSum(uint32_t question, uint32_t sum) {
  auto message = peer_->ExpectReturn(question);
  ASSERT_TRUE(message->root().getReturn().isResults());
  EXPECT_EQ(
      message->root().getReturn().getResults().getContent().getAs<Wire::AddResults>().getSum(),
      sum);
}

void ServerTest::ExpectReply(uint32_t question, const std::string& reply) {
  auto message = peer_->ExpectReturn(question);
  ASSERT_TRUE(message->root().getReturn().isResults()) << kj::str(message->root()).cStr();
  const auto content = message->root().getReturn().getResults().getContent();
  EXPECT_EQ(std::string(content.getAs<WireListener::HeardResults>().getReply()), reply);
}

absl::Status ServerTest::ExpectError(uint32_t question) {
  auto message = peer_->ExpectReturn(question);
  if (!message->root().getReturn().isException()) {
    ADD_FAILURE() << kj::str(message->root()).cStr();
    return absl::OkStatus();
  }
  return FromException(message->root().getReturn().getException());
}

uint32_t ServerTest::ExpectHosted(uint32_t question) {
  auto message = peer_->ExpectReturn(question);
  auto caps = message->root().getReturn().getResults().getCapTable();
  if (caps.size() != 1 || !caps[0].isSenderHosted()) {
    ADD_FAILURE() << kj::str(message->root()).cStr();
    return UINT32_MAX;
  }
  return caps[0].getSenderHosted();
}

Descriptor::Reader ServerTest::ExpectCap(uint32_t question) {
  received_ = peer_->ExpectReturn(question);
  auto caps = received_->root().getReturn().getResults().getCapTable();
  if (caps.size() != 1) {
    ADD_FAILURE() << kj::str(received_->root()).cStr();
    return {};
  }
  return caps[0];
}

protocol::Call::Reader ServerTest::ExpectHeard(const std::string& text) {
  received_ = peer_->Expect(protocol::Message::CALL);
  const auto call = received_->root().getCall();
  EXPECT_EQ(call.getInterfaceId(), capnp::typeId<WireListener>());
  const auto params = call.getParams().getContent().getAs<WireListener::HeardParams>();
  EXPECT_EQ(std::string(params.getText()), text);
  return call;
}

void ServerTest::AnswerHeard(uint32_t import, const std::string& text, const std::string& reply) {
  const auto call = ExpectHeard(text);
  EXPECT_TRUE(call.getTarget().isImportedCap());
  EXPECT_EQ(call.getTarget().getImportedCap(), import);
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(call.getQuestionId());
    ret.initResults().getContent().initAs<WireListener::HeardResults>().setReply(reply);
  });
}

void ServerTest::ExpectReturnAndRelease(uint32_t question, uint32_t import, uint32_t count) {
  bool returned = false;
  for (uint32_t released = 0; !returned || released < count;) {
    auto message = peer_->Receive();
    ASSERT_NE(message, nullptr);
    switch (message->root().which()) {
      case protocol::Message::RETURN:
        EXPECT_FALSE(returned);
        EXPECT_EQ(message->root().getReturn().getAnswerId(), question);
        returned = true;
        break;
      case protocol::Message::RELEASE:
        EXPECT_EQ(message->root().getRelease().getId(), import);
        released += message->root().getRelease().getReferenceCount();
        EXPECT_LE(released, count);
        break;
      case protocol::Message::FINISH:
        break;
      default:
        FAIL() << kj::str(message->root()).cStr();
    }
  }
}

// --- the peer is a server -----------------------------------------------------------------------

ClientTest::ClientTest(MakeStream make_stream, std::unique_ptr<Runtime> runtime) {
  make_stream_ = std::move(make_stream);
  runtime_ = std::move(runtime);
  Start(nullptr, "the server of the test");
  proxy_ = kitchen::CookProxy(Proxy::FromCapability(connection_->Bootstrap()));
}

void ClientTest::AnswerBootstrap(uint32_t id) {
  received_ = peer_->Expect(protocol::Message::BOOTSTRAP);
  const uint32_t question = received_->root().getBootstrap().getQuestionId();
  SendReturn(question, [&](protocol::Return::Builder ret) {
    auto payload = ret.initResults();
    SetCapPointer(payload.getContent(), 0);
    payload.initCapTable(1)[0].setSenderHosted(id);
  });
}

kitchen::CookProxy ClientTest::MakeCook() {
  auto cook = proxy_.async().MakeCook();
  AnswerBootstrap(1);
  ReturnListener(ExpectCall().getQuestionId(), 2);  // the results look the same
  peer_->PassOver(protocol::Message::FINISH);
  return cook.Get().value();
}

protocol::Call::Reader ClientTest::ExpectCall() {
  received_ = peer_->Expect(protocol::Message::CALL);
  return received_->root().getCall();
}

protocol::Finish::Reader ClientTest::ExpectFinish(uint32_t question) {
  received_ = peer_->Expect(protocol::Message::FINISH);
  EXPECT_EQ(received_->root().getFinish().getQuestionId(), question);
  return received_->root().getFinish();
}

void ClientTest::SendReturn(uint32_t question,
                            const std::function<void(protocol::Return::Builder)>& build) {
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(question);
    build(ret);
  });
}

void ClientTest::ReturnSum(uint32_t question, uint32_t sum, bool no_finish_needed) {
  SendReturn(question, [&](protocol::Return::Builder ret) {
    ret.setNoFinishNeeded(no_finish_needed);
    ret.initResults().getContent().initAs<Wire::AddResults>().setSum(sum);
  });
}

void ClientTest::ReturnListener(uint32_t question, uint32_t id) {
  SendReturn(question, [&](protocol::Return::Builder ret) {
    auto payload = ret.initResults();
    SetCapPointer(PointerAt(payload.getContent().initAs<Wire::KeptResults>(), 0), 0);
    payload.initCapTable(1)[0].setSenderHosted(id);
  });
}

}  // namespace drover::rpc
