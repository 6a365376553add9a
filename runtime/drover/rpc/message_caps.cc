#include "drover/rpc/message_caps.h"

#include <utility>

#include <kj/debug.h>

#include "absl/status/status.h"

namespace drover::rpc {
namespace {

using AnyPointerHelpers = capnp::_::PointerHelpers<capnp::AnyPointer>;

const char kBrand = 0;

class CapabilityHook final : public capnp::ClientHook {
 public:
  explicit CapabilityHook(base::Ref<Capability> capability) : capability_(std::move(capability)) {}

  const base::Ref<Capability>& capability() const { return capability_; }

#if CAPNP_VERSION >= 1000000
  capnp::Request<capnp::AnyPointer, capnp::AnyPointer> newCall(uint64_t, uint16_t,
                                                               kj::Maybe<capnp::MessageSize>,
                                                               CallHints) override {
    Refuse();
  }
  VoidPromiseAndPipeline call(uint64_t, uint16_t, kj::Own<capnp::CallContextHook>&&,
                              CallHints) override {
    Refuse();
  }
#else
  capnp::Request<capnp::AnyPointer, capnp::AnyPointer> newCall(
      uint64_t, uint16_t, kj::Maybe<capnp::MessageSize>) override {
    Refuse();
  }
  VoidPromiseAndPipeline call(uint64_t, uint16_t, kj::Own<capnp::CallContextHook>&&) override {
    Refuse();
  }
#endif
  kj::Maybe<capnp::ClientHook&> getResolved() override { return nullptr; }
  kj::Maybe<kj::Promise<kj::Own<capnp::ClientHook>>> whenMoreResolved() override { return nullptr; }
  kj::Own<capnp::ClientHook> addRef() override { return kj::heap<CapabilityHook>(capability_); }
  const void* getBrand() override { return &kBrand; }
  kj::Maybe<int> getFd() override { return nullptr; }

 private:
  [[noreturn]] static void Refuse() {
    KJ_FAIL_REQUIRE("a capability of Drover is called through its proxy, not through KJ");
  }

  const base::Ref<Capability> capability_;
};

// Cap'n Proto reads capability pointers only in a process that has made a ClientHook before.
[[maybe_unused]] const CapabilityHook first_hook(nullptr);

}  // namespace

capnp::AnyPointer::Reader MessageCaps::Imbue(capnp::AnyPointer::Reader reader) {
  return capnp::AnyPointer::Reader(AnyPointerHelpers::getInternalReader(reader).imbue(this));
}

capnp::AnyPointer::Builder MessageCaps::Imbue(capnp::AnyPointer::Builder builder) {
  return capnp::AnyPointer::Builder(
      AnyPointerHelpers::getInternalBuilder(kj::mv(builder)).imbue(this));
}

kj::Maybe<kj::Own<capnp::ClientHook>> MessageCaps::extractCap(unsigned index) {
  base::Ref<Capability> capability =
      index < list_.size() && list_[index]
          ? list_[index]
          : BrokenCapability(absl::InvalidArgumentError(
                "the message holds a capability pointer without an entry in its table"));
  return kj::Own<capnp::ClientHook>(kj::heap<CapabilityHook>(std::move(capability)));
}

unsigned MessageCaps::injectCap(kj::Own<capnp::ClientHook>&& hook) {
  KJ_REQUIRE(hook->getBrand() == &kBrand, "a capability of KJ cannot travel in Drover's messages");
  list_.push_back(static_cast<CapabilityHook&>(*hook).capability());
  return static_cast<unsigned>(list_.size() - 1);
}

void MessageCaps::dropCap(unsigned index) {
  if (index < list_.size()) list_[index] = nullptr;
}

base::Ref<Capability> GetCapability(capnp::AnyPointer::Reader pointer) {
  if (pointer.isNull()) return nullptr;
  if (!pointer.isCapability()) {
    return BrokenCapability(
        absl::InvalidArgumentError("the message holds data where a capability belongs"));
  }
  kj::Own<capnp::ClientHook> hook = AnyPointerHelpers::getInternalReader(pointer).getCapability();
  if (hook->getBrand() != &kBrand) {
    return BrokenCapability(
        absl::InvalidArgumentError("the message holds a capability pointer but no table for it"));
  }
  return static_cast<CapabilityHook&>(*hook).capability();
}

void SetCapability(capnp::AnyPointer::Builder pointer, base::Ref<Capability> capability) {
  if (!capability) {
    pointer.clear();
    return;
  }
  AnyPointerHelpers::getInternalBuilder(kj::mv(pointer))
      .setCapability(kj::heap<CapabilityHook>(std::move(capability)));
}

base::Ref<Capability> CapabilityOf(capnp::Capability::Client client) {
  kj::Own<capnp::ClientHook> hook = capnp::ClientHook::from(kj::mv(client));
  if (hook->isNull()) return nullptr;
  if (hook->getBrand() != &kBrand) {
    return BrokenCapability(
        absl::InvalidArgumentError("a client of KJ is no object that Drover could call"));
  }
  return static_cast<CapabilityHook&>(*hook).capability();
}

kj::Own<capnp::ClientHook> HookOf(base::Ref<Capability> capability) {
  return kj::heap<CapabilityHook>(std::move(capability));
}

}  // namespace drover::rpc
