#include "drover/rpc/answer_table.h"

#include <capnp/any.h>

#include "drover/rpc.capnp.h"

namespace drover::rpc {

base::Ref<Capability> AnswerResults::Get(const AnswerPath& path) {
  if (bare) {
    if (path.empty()) return bare;
    return BrokenCapability(
        absl::InvalidArgumentError("a call on a field of an answer that is itself a capability"));
  }
  try {
    auto ret = message->builder().getRoot<protocol::Message>().getReturn();
    capnp::AnyPointer::Reader pointer = caps.Imbue(ret.getResults().getContent().asReader());
    for (uint16_t field : path) {
      auto pointers = pointer.getAs<capnp::AnyStruct>().getPointerSection();
      if (field >= pointers.size()) {
        return BrokenCapability(
            absl::InvalidArgumentError("a call on a field that the answer does not have"));
      }
      pointer = pointers[field];
    }
    if (base::Ref<Capability> capability = GetCapability(pointer)) return capability;
    return BrokenCapability(absl::InvalidArgumentError("a call on a null capability of an answer"));
  } catch (const kj::Exception& e) {
    return BrokenCapability(absl::InvalidArgumentError(e.getDescription().cStr()));
  }
}

}  // namespace drover::rpc
