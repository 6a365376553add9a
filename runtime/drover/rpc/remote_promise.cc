#include "drover/rpc/remote_promise.h"

#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/forwarding_capability.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/remote_capability.h"

namespace drover::rpc {
namespace {

bool BelongsTo(const Connection& connection, const Capability& capability) {
  switch (capability.kind()) {
    case Capability::Kind::kRemote:
      return &static_cast<const RemoteCapability&>(capability).connection() == &connection;
    case Capability::Kind::kRemotePromise:
      return &static_cast<const RemotePromise&>(capability).connection() == &connection;
    default:
      return false;
  }
}

}  // namespace

RemotePromise::RemotePromise(base::Ref<Connection> connection, ImportId id)
    : PromiseCapability(Kind::kRemotePromise),
      connection_(std::move(connection)),
      forwarding_(base::MakeRef<Strand>()),
      import_(id) {}

RemotePromise::RemotePromise(base::Ref<Connection> connection, QuestionId question,
                             PipelinePath path, async::Task dropped)
    : PromiseCapability(Kind::kRemotePromise),
      connection_(std::move(connection)),
      forwarding_(base::MakeRef<Strand>()),
      question_(question),
      path_(std::move(path)),
      dropped_(std::move(dropped)) {}

RemotePromise::~RemotePromise() {
  if (is_import()) {
    connection_->ReleaseImport(this, import_, references);
  } else {
    connection_->DropPipeline(*this);
    if (dropped_) dropped_();
  }
}

void RemotePromise::Describe(protocol::MessageTarget::Builder out) const {
  if (is_import()) {
    out.setImportedCap(import_.value());
  } else {
    auto answer = out.initPromisedAnswer();
    answer.setQuestionId(question_->value());
    WritePath(path_, answer);
  }
}

bool RemotePromise::open() {
  return connection_->WithLock([this](ConnectionState&) { return phase == Phase::kOpen; });
}

CallHooks* RemotePromise::OwnHooks() const { return connection_->hooks().get(); }

void RemotePromise::Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) {
  if (!HasPendingCalls()) {
    SendDelivered(std::move(call), std::move(handler));
    return;
  }
  // Calls of the same caller may be among them: those it made through a promise of this one.
  Deferred deferred;
  Deliver(IncomingCall::FromLocal(std::move(call), base::Ref<Capability>::Share(this),
                                  std::move(handler)),
          deferred);
  deferred.FinishOnPool();
}

void RemotePromise::SendDelivered(OutgoingCall&& call, base::Ref<ReturnHandler> handler) {
  if (connection_->SendCallOnPromise(*this, call, handler)) return;
  PromiseCapability::Send(std::move(call), std::move(handler));
}

void RemotePromise::Deliver(base::Ref<IncomingCall> call, Deferred& deferred) {
  async::Task pass = [self = base::Ref<RemotePromise>::Share(this), call] { self->Pass(call); };
  if (!RunBehindCalls(pass, deferred)) PromiseCapability::Deliver(std::move(call), deferred);
}

void RemotePromise::Pass(base::Ref<IncomingCall> call) {
  if (open()) {
    ForwardCall(std::move(call), [this](OutgoingCall out, base::Ref<ReturnHandler> handler) {
      SendDelivered(std::move(out), std::move(handler));
    });
    return;
  }
  Deferred deferred;
  PromiseCapability::Deliver(std::move(call), deferred);
  deferred.FinishOnPool();
}

void RemotePromise::DeliverEcho(Echo echo, Deferred& deferred) {
  auto self = base::Ref<RemotePromise>::Share(this);
  async::Task pass = [self, echo] { self->PassEcho(echo); };
  if (RunBehindCalls(pass, deferred)) return;
  // At once, as calls are passed on from now on: what comes next must not overtake it.
  if (ComesBackHere(echo)) {
    deferred.Then([self, echo] { self->connection_->SendLoopback(self.get(), echo.embargo); });
  } else {
    PromiseCapability::DeliverEcho(std::move(echo), deferred);
  }
}

void RemotePromise::PassEcho(const Echo& echo) {
  if (ComesBackHere(echo)) {
    connection_->SendLoopback(this, echo.embargo);
    return;
  }
  Deferred later;
  PromiseCapability::DeliverEcho(echo, later);
  later.FinishOnPool();
}

// The peer was told of this promise, so it is this promise that the echo must come back to, even if
// it has turned out meanwhile to be something that is not the peer's.
bool RemotePromise::ComesBackHere(const Echo& echo) {
  const base::Ref<Capability> at = Follow(target());
  return echo.connection == connection_ && !(at && BelongsTo(*connection_, *at));
}

bool RemotePromise::WaitForCalls(async::Task& task) { return !forwarding_->CloseWhenIdle(task); }

bool RemotePromise::RunBehindCalls(async::Task& task, Deferred& deferred) {
  switch (forwarding_->PushUnlessClosed(task)) {
    case Strand::Pushed::kToRun:
      deferred.Run(forwarding_);
      return true;
    case Strand::Pushed::kQueued:
      return true;
    case Strand::Pushed::kClosed:
      break;
  }
  return false;
}

}  // namespace drover::rpc
