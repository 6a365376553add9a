#include "drover/object/weak_proxy.h"

#include "drover/rpc/weak_reference.h"

namespace drover::object {

WeakHandle::WeakHandle(const Proxy& object) : options_(object.options()) {
  if (object) reference_ = rpc::WeakReference::To(object.capability());
}

WeakHandle::WeakHandle() = default;
WeakHandle::WeakHandle(const WeakHandle&) = default;
WeakHandle::WeakHandle(WeakHandle&&) noexcept = default;
WeakHandle& WeakHandle::operator=(WeakHandle other) {
  std::swap(reference_, other.reference_);
  std::swap(options_, other.options_);
  return *this;
}
WeakHandle::~WeakHandle() = default;

Proxy WeakHandle::Lock() const {
  if (!reference_) return Proxy();
  base::Ref<rpc::Capability> capability = reference_->Lock();
  return capability ? Proxy::FromCapability(std::move(capability), options_) : Proxy();
}

bool WeakHandle::dead() const { return !reference_ || reference_->dead(); }

Future<void> WeakHandle::Died() const {
  if (!reference_) return absl::FailedPreconditionError("a weak proxy of no object");
  return reference_->AwaitEnd();
}

}  // namespace drover::object
