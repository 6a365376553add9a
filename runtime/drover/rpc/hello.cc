// How two ends of a connection find out that both are Drover.
//
// The client calls Node.hello with a random nonce in the Call's extension field; the server answers
// with the nonce that it saw there. A stock peer answers Unimplemented. A stock relay in between
// makes the call again without the field, so that what comes back does not match.
#include <string>
#include <utility>

#include "drover/base/random_id.h"
#include "drover/node.capnp.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/message_caps.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/promise_capability.h"

namespace drover::rpc {
namespace {

class HelloHandler final : public base::RefCounted, public ReturnHandler {
 public:
  HelloHandler(base::Ref<Connection> connection, uint64_t nonce)
      : connection_(std::move(connection)), nonce_(nonce) {}

  void OnReturn(capnp::AnyPointer::Reader results) override {
    if (results.getAs<protocol::Node::HelloResults>().getNonce() == nonce_) {
      connection_->EnableExtensions();
    }
    connection_ = nullptr;
  }
  void OnError(const absl::Status&) override { connection_ = nullptr; }
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  base::Ref<Connection> connection_;
  const uint64_t nonce_;
};

// Nobody waits for the answer but the promise of the object in it. The answer may come before there
// is a promise: then the object itself is taken, or a promise of our own until it is.
class LookupHandler final : public base::RefCounted, public ReturnHandler {
 public:
  void OnReturn(capnp::AnyPointer::Reader results) override {
    auto object = GetCapability(results.getAs<protocol::Node::LookupResults>().getObject());
    Answer(object ? std::move(object)
                  : BrokenCapability(absl::NotFoundError("there is no object in the answer")));
  }
  void OnError(const absl::Status& status) override { Answer(BrokenCapability(status)); }
  void OnSent(base::Ref<Connection> connection, QuestionId question) override {
    auto self = base::Ref<LookupHandler>::Share(this);
    auto object = connection->Pipeline(question, this, {0}, [self, connection, question] {
      connection->CancelQuestion(question, self.get());
    });
    base::MutexLock lock(&mu_);
    if (object) object_ = std::move(object);
  }
  // Once it has been sent.
  base::Ref<Capability> Result() {
    base::MutexLock lock(&mu_);
    given_ = true;
    if (object_) return std::move(object_);
    pending_ = base::MakeRef<PromiseCapability>();
    return pending_;
  }
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  void Answer(base::Ref<Capability> object) {
    base::Ref<PromiseCapability> pending;
    {
      base::MutexLock lock(&mu_);
      pending = std::move(pending_);
      if (!object_ && !given_) object_ = object;
    }
    if (!pending) return;
    Deferred deferred;
    pending->Resolve(object, deferred);
    deferred.FinishOnPool();
  }

  base::Mutex mu_;
  base::Ref<Capability> object_ ABSL_GUARDED_BY(mu_);
  bool given_ ABSL_GUARDED_BY(mu_) = false;
  base::Ref<PromiseCapability> pending_ ABSL_GUARDED_BY(mu_);  // it was given
};

}  // namespace

void Connection::SayHello(Capability& front) {
  OutgoingCall call(protocol::NODE_INTERFACE_ID, protocol::NODE_HELLO);
  call.params().initAs<protocol::Node::HelloParams>().setVersion(protocol::NODE_VERSION);
  call.nonce = base::RandomId();
  call.can_wait = true;
  auto handler = base::MakeRef<HelloHandler>(base::Ref<Connection>::Share(this), call.nonce);
  front.Send(std::move(call), std::move(handler));
}

base::Ref<Capability> Connection::Lookup(Capability& front, const std::string& name) {
  OutgoingCall call(protocol::NODE_INTERFACE_ID, protocol::NODE_LOOKUP);
  call.params().initAs<protocol::Node::LookupParams>().setName(name);
  call.can_wait = true;
  auto handler = base::MakeRef<LookupHandler>();
  front.Send(std::move(call), handler);
  return handler->Result();
}

void Connection::EnableExtensions() {
  WithLock([](ConnectionState& s) { s.extensions = true; });
  extensions_.store(true, std::memory_order_release);
}

}  // namespace drover::rpc
