// The capabilities of one message, and how Cap'n Proto's readers and builders reach them.
//
// A capability pointer in a message is an index into its table. Cap'n Proto asks a table for
// ClientHooks; ours wrap a Capability and do nothing else: calls on them are refused.
//
//   MessageCaps caps;
//   capnp::AnyPointer::Builder content = caps.Imbue(payload.getContent());
//   SetCapability(pointer_inside_content, capability);     // appends to caps.list()
//
// Thread-compatible. Imbued readers and builders must not outlive the table.
#ifndef DROVER_RPC_MESSAGE_CAPS_H_
#define DROVER_RPC_MESSAGE_CAPS_H_

#include <capnp/any.h>
#include <capnp/capability.h>

#include <vector>

#include "drover/base/ref.h"
#include "drover/rpc/capability.h"

namespace drover::rpc {

class MessageCaps final : public capnp::_::CapTableBuilder {
 public:
  std::vector<base::Ref<Capability>>& list() { return list_; }
  const std::vector<base::Ref<Capability>>& list() const { return list_; }

  capnp::AnyPointer::Reader Imbue(capnp::AnyPointer::Reader reader);
  capnp::AnyPointer::Builder Imbue(capnp::AnyPointer::Builder builder);

  kj::Maybe<kj::Own<capnp::ClientHook>> extractCap(unsigned index) override;
  unsigned injectCap(kj::Own<capnp::ClientHook>&& hook) override;
  void dropCap(unsigned index) override;

 private:
  std::vector<base::Ref<Capability>> list_;
};

// The capability at a pointer: null for a null pointer, a broken one for anything else that is no
// capability of the message.
base::Ref<Capability> GetCapability(capnp::AnyPointer::Reader pointer);

// Stores a capability, or a null pointer.
void SetCapability(capnp::AnyPointer::Builder pointer, base::Ref<Capability> capability);

// The capability behind a client that an accessor of a message gave: null for a null one, a broken
// one for a client of KJ's own runtime.
base::Ref<Capability> CapabilityOf(capnp::Capability::Client client);
// A client that a setter of a message takes; not null. Calls on it are refused.
kj::Own<capnp::ClientHook> HookOf(base::Ref<Capability> capability);

}  // namespace drover::rpc

#endif  // DROVER_RPC_MESSAGE_CAPS_H_
