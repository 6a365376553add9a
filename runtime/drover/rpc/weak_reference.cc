#include "drover/rpc/weak_reference.h"

#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/local_capability.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/remote_capability.h"
#include "drover/rpc/remote_promise.h"

namespace drover::rpc {
namespace {

// Why calls on an import cannot leave any more; OK if they can.
absl::Status EndOf(const Capability& capability) {
  Connection* at = nullptr;
  if (capability.kind() == Capability::Kind::kRemote) {
    at = &static_cast<const RemoteCapability&>(capability).connection();
  } else if (capability.kind() == Capability::Kind::kRemotePromise) {
    at = &static_cast<const RemotePromise&>(capability).connection();
  }
  if (at == nullptr) return absl::OkStatus();
  return at->WithLock([](ConnectionState& s) { return s.closed; });
}

}  // namespace

WeakReference::WeakReference(Capability* capability)
    : kind_(capability->kind()), life_(base::MakeRef<Life>()), capability_(capability) {}

WeakReference::WeakReference(LocalCapability& local)
    : kind_(Capability::Kind::kLocal),
      life_(local.dispatcher().life()),
      servant_(local.WeakDispatcher()) {}

WeakReference::WeakReference(const absl::Status& broken)
    : kind_(Capability::Kind::kBroken), life_(base::MakeRef<Life>()) {
  life_->End(broken);
}

base::Ref<WeakReference> WeakReference::To(const base::Ref<Capability>& capability) {
  const base::Ref<Capability> at = PromiseCapability::Follow(capability);
  switch (at->kind()) {
    case Capability::Kind::kLocal:
      return base::MakeRef<WeakReference>(static_cast<LocalCapability&>(*at));
    case Capability::Kind::kBroken:
      return base::MakeRef<WeakReference>(ErrorOf(*at));
    default:
      break;
  }
  auto weak = base::Ref<WeakReference>::Share(&at->MakeWeak());
  weak->Watch(at);
  return weak;
}

void WeakReference::Watch(const base::Ref<Capability>& capability) {
  {
    base::MutexLock lock(&mu_);
    if (std::exchange(watching_, true)) return;
  }
  // From now on a connection that ends finds this; before, it has left its reason.
  if (const absl::Status end = EndOf(*capability); !end.ok()) life_->End(end);
  if (!PromiseCapability::IsPromise(*capability)) return;
  auto self = base::Ref<WeakReference>::Share(this);
  if (!static_cast<PromiseCapability&>(*capability).OnResolved([self] { self->Follow(); })) {
    Follow();
  }
}

void WeakReference::Follow() {
  base::Ref<Capability> promise;
  {
    base::MutexLock lock(&mu_);
    if (capability_ == nullptr || !capability_->TryRef()) return;
    promise = base::Ref<Capability>::Adopt(capability_);
  }
  base::Ref<WeakReference> next = To(promise);
  if (next.get() == this) return;
  {
    base::MutexLock lock(&mu_);
    next_ = next;
  }
  life_->Join(*next->life_);
}

base::Ref<WeakReference> WeakReference::Next() {
  base::MutexLock lock(&mu_);
  return next_;
}

base::Ref<Capability> WeakReference::Lock() {
  if (base::Ref<WeakReference> next = Next()) return next->Lock();
  if (life_->over()) return nullptr;
  if (kind_ == Capability::Kind::kLocal) return LocalCapability::Of(servant_.lock());
  base::MutexLock lock(&mu_);
  if (capability_ == nullptr || !capability_->TryRef()) return nullptr;
  return base::Ref<Capability>::Adopt(capability_);
}

bool WeakReference::dead() {
  if (base::Ref<WeakReference> next = Next()) return next->dead();
  if (life_->over()) return true;
  if (kind_ == Capability::Kind::kLocal) return servant_.expired();
  base::MutexLock lock(&mu_);
  return capability_ == nullptr;
}

Future<void> WeakReference::AwaitEnd() {
  if (base::Ref<WeakReference> next = Next()) return next->AwaitEnd();
  Future<void> end = life_->AwaitEnd();
  // It may have been followed meanwhile, without this one.
  if (base::Ref<WeakReference> next = Next()) life_->Join(*next->life_);
  return end;
}

void WeakReference::Gone() {
  {
    base::MutexLock lock(&mu_);
    capability_ = nullptr;
    if (next_) return;
  }
  if (kind_ == Capability::Kind::kCaretaker) {
    life_->End(absl::OkStatus());
  } else {
    life_->End(absl::FailedPreconditionError(
        "the last proxy of the object in this process is gone, so its host is not heard of here"));
  }
}

}  // namespace drover::rpc
