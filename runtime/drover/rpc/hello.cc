// How two ends of a connection find out that both are Drover.
//
// The client calls Node.hello with a random nonce in the Call's extension field; the server answers
// with the nonce that it saw there. A stock peer answers Unimplemented. A stock relay in between
// makes the call again without the field, so that what comes back does not match.
//
// What a program says with a call must arrive with the call, so one that says something waits until
// it is known whether it can; so does one that is made while another is served, as a cycle is seen
// by what travels with it. docs/decisions/first-calls.md.
#include <string>
#include <utility>

#include "drover/base/random_id.h"
#include "drover/node.capnp.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/message_caps.h"
#include "drover/rpc/one_way.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/remote_capability.h"
#include "drover/rpc/remote_promise.h"

namespace drover::rpc {
namespace {

class HelloHandler final : public base::RefCounted, public ReturnHandler {
 public:
  HelloHandler(base::Ref<Connection> connection, uint64_t nonce)
      : connection_(std::move(connection)), nonce_(nonce) {}

  void OnReturn(capnp::AnyPointer::Reader results) override {
    const auto hello = results.getAs<protocol::Node::HelloResults>();
    const bool drover = hello.getNonce() == nonce_;
    if (drover) connection_->EnableExtensions(hello.getOneWayWindow());
    Answered(drover);
  }
  void OnError(const absl::Status&) override { Answered(/*drover=*/false); }
  void OnLost(const absl::Status&) override { connection_ = nullptr; }
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  void Answered(bool drover) {
    SharedMemoryUpgrade::HelloAnswered(*std::exchange(connection_, nullptr), drover);
  }

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
  auto params = call.params().initAs<protocol::Node::HelloParams>();
  params.setVersion(protocol::NODE_VERSION);
  params.setOneWayWindow(OneWay::Window(*this));
  call.nonce = base::RandomId();
  call.can_wait = true;
  auto handler = base::MakeRef<HelloHandler>(base::Ref<Connection>::Share(this), call.nonce);
  const bool holds_all = terms_->shared_memory.use == SharedMemoryTerms::Use::kAlways;
  WithLock([holds_all](ConnectionState& s) {
    s.hello = ConnectionState::Hello::kAsked;
    s.holds_all = holds_all;
  });
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

void Connection::EnableExtensions(uint64_t one_way_window) {
  WithLock([&](ConnectionState& s) {
    s.extensions = s.takes_tails = true;
    s.one_way.granted = one_way_window;
  });
  extensions_.store(true, std::memory_order_release);
}

// A deadline alone is kept at this end.
bool Connection::MustHold(const OutgoingCall& call) {
  using Hello = ConnectionState::Hello;
  if (state_.hello == Hello::kNone || call.held || call.nonce != 0) return false;
  if (state_.hello == Hello::kAnswered || !state_.held.empty() || state_.holds_all) return true;
  return call.metadata() && !(call.metadata()->entries.empty() && call.metadata()->chain.empty());
}

void Connection::Hold(const CallTarget& target, OutgoingCall& call,
                      base::Ref<ReturnHandler>& handler) {
  base::Ref<Capability> to;
  if (const auto* promise = std::get_if<RemotePromise*>(&target)) {
    to = base::Ref<RemotePromise>::Share(*promise);
  } else {
    to = base::Ref<RemoteCapability>::Share(std::get<RemoteCapability*>(target));
  }
  call.held = true;
  state_.held_call_bytes += call.message()->FrameBytes();
  call.message()->builder();  // it will change, so what is known of the frame is void
  state_.held.push_back({std::move(to), std::move(call), std::move(handler)});
}

void Connection::ReleaseHeldCalls() {
  for (bool attended = false;; attended = true) {
    std::vector<HeldCall> leaving;
    {
      base::MutexLock lock(&mu_);
      leaving.swap(state_.held);
      state_.held_call_bytes = 0;
      using Hello = ConnectionState::Hello;
      state_.hello = leaving.empty() ? Hello::kNone : Hello::kAnswered;
    }
    if (leaving.empty()) {
      if (attended) RemoveUnattended();  // see SendQuestion
      break;
    }
    for (HeldCall& held : leaving) {
      if (held.handler->Abandoned()) continue;
      held.target->Send(std::move(held.call), std::move(held.handler));
    }
  }
  CloseIfRetired();
}

}  // namespace drover::rpc
