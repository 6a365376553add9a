#include "drover/rpc/capability.h"

#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/weak_reference.h"
#include "drover/transport/shared_arena.h"

namespace drover::rpc {
namespace {

class Broken final : public Capability {
 public:
  explicit Broken(absl::Status status) : Capability(Kind::kBroken), status_(std::move(status)) {}

  const absl::Status& status() const { return status_; }

  void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) override {
    deferred.Then([call = std::move(call), status = status_] { call->ReturnError(status); });
  }

 private:
  const absl::Status status_;
};

}  // namespace

Capability::~Capability() {
  if (base::RefCounted* attached = attached_.load(std::memory_order_acquire)) attached->Unref();
  if (WeakReference* weak = this->weak()) {
    weak->Gone();
    weak->Unref();
  }
}

WeakReference& Capability::MakeWeak() {
  if (WeakReference* weak = this->weak()) return *weak;
  auto made = base::MakeRef<WeakReference>(this);
  WeakReference* first = nullptr;
  if (!weak_.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel)) return *first;
  return *made.Release();
}

void Capability::Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) {
  Deferred deferred;
  Deliver(IncomingCall::FromLocal(std::move(call), base::Ref<Capability>::Share(this),
                                  std::move(handler)),
          deferred);
  deferred.FinishOnPool();
}

void Capability::DeliverEcho(Echo echo, Deferred& deferred) {
  // No write is claimed where this is done: Connection::Abort says why.
  deferred.Then([connection = std::move(echo.connection)] {
    connection->Abort(
        absl::InvalidArgumentError("a Disembargo names an object that is not the peer's own"));
  });
}

base::Ref<transport::SharedArena> Capability::arena() const { return nullptr; }

base::RefCounted& Capability::Attach(base::Ref<base::RefCounted> made) {
  base::RefCounted* first = nullptr;
  if (!attached_.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel)) {
    return *first;
  }
  return *made.Release();
}

const absl::Status& ErrorOf(const Capability& broken) {
  return static_cast<const Broken&>(broken).status();
}

base::Ref<Capability> BrokenCapability(absl::Status status) {
  return base::MakeRef<Broken>(std::move(status));
}

}  // namespace drover::rpc
