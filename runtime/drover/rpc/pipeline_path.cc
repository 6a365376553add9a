#include "drover/rpc/pipeline_path.h"

#include <kj/exception.h>

#include "absl/status/status.h"
#include "drover/rpc/message_caps.h"

namespace drover::rpc {

base::Ref<Capability> CapabilityAt(capnp::AnyPointer::Reader results, const PipelinePath& path) {
  try {
    capnp::AnyPointer::Reader pointer = results;
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
