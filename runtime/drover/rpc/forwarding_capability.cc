#include "drover/rpc/forwarding_capability.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_context.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/outgoing_call.h"

namespace drover::rpc {
namespace {

class ForwardedReturn final : public base::RefCounted, public ReturnHandler {
 public:
  explicit ForwardedReturn(base::Ref<IncomingCall> call) : call_(std::move(call)) {}

  void OnReturn(capnp::AnyPointer::Reader results) override {
    call_->results(results.targetSize().wordCount).set(results);
    Unhook();
    call_->ReturnResults();
  }
  void OnLeft() override {
    Unhook();
    call_->ReturnResults();
  }
  void OnError(const absl::Status& status) override {
    Unhook();
    call_->ReturnError(status);
  }
  void OnSent(base::Ref<Connection> connection, QuestionId question) override {
    auto self = base::Ref<ForwardedReturn>::Share(this);
    Hook([self, connection = std::move(connection), question] {
      // Whoever takes the handler from the question answers.
      if (connection->CancelQuestion(question, self.get())) {
        self->call_->ReturnError(absl::CancelledError("the caller cancelled the call"));
      }
    });
  }
  // It waits behind others in this process, or has come to an object of it.
  void OnStarted(base::Ref<IncomingCall> call) override {
    Hook([call = std::move(call)] { call->CancelByCaller(); });
  }
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  // Runs `cancel` when the caller cancels the call.
  void Hook(async::Task cancel) {
    hook_ = call_->AddHook(std::move(cancel));
    if (done_.load()) call_->RemoveHook(hook_);  // the hook would keep the call and this alive
  }
  void Unhook() {
    done_ = true;
    if (uint64_t hook = hook_.load(); hook != 0) call_->RemoveHook(hook);
  }

  const base::Ref<IncomingCall> call_;
  std::atomic<uint64_t> hook_{0};
  std::atomic<bool> done_{false};
};

}  // namespace

void ForwardCall(base::Ref<IncomingCall> call, const SendCallFunction& send) {
  if (call->returned()) return;  // early, while it waited
  if (!call->TakeUp()) {
    call->ReturnError(absl::CancelledError("the caller cancelled the call"));
    return;
  }
  {
    async::UserCodeScope scope(nullptr, &call->cancellation());
    if (!call->Admit()) return;
  }
  OutgoingCall out(call->interface_id(), call->method_id());
  out.set_metadata(call->metadata());
  out.path = call->path();
  out.one_way = call->one_way();
  if (call->MayEndInTail()) out.answers = call.get();
  try {
    out.params().set(call->params());
  } catch (const kj::Exception& e) {
    call->ReturnError(absl::InvalidArgumentError(
        absl::StrCat("the params cannot be read: ", e.getDescription().cStr())));
    return;
  }
  send(std::move(out), base::MakeRef<ForwardedReturn>(std::move(call)));
}

ForwardingCapability::ForwardingCapability(Kind kind)
    : Capability(kind), forwarding_(base::MakeRef<Strand>()) {}

ForwardingCapability::~ForwardingCapability() = default;

void ForwardingCapability::Deliver(base::Ref<IncomingCall> call, Deferred& deferred) {
  auto self = base::Ref<ForwardingCapability>::Share(this);
  if (forwarding_->Push({.call = nullptr, .task = [self, call = std::move(call)]() mutable {
                           ForwardCall(std::move(call),
                                       [&](OutgoingCall out, base::Ref<ReturnHandler> handler) {
                                         self->SendDelivered(std::move(out), std::move(handler));
                                       });
                         }})) {
    deferred.Run(forwarding_);
  }
}

}  // namespace drover::rpc
