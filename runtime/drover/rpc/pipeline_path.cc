#include "drover/rpc/pipeline_path.h"

#include <capnp/any.h>

#include "absl/status/status.h"
#include "drover/rpc/message_caps.h"

namespace drover::rpc {

absl::StatusOr<PipelinePath> ReadPath(protocol::PromisedAnswer::Reader in) {
  PipelinePath path;
  for (auto op : in.getTransform()) {
    if (op.isGetPointerField()) {
      path.push_back(op.getGetPointerField());
    } else if (!op.isNoop()) {
      return absl::UnimplementedError("a path into an answer has a step that is not known here");
    }
  }
  return path;
}

void WritePath(const PipelinePath& path, protocol::PromisedAnswer::Builder out) {
  if (path.empty()) return;
  auto transform = out.initTransform(static_cast<unsigned>(path.size()));
  for (unsigned i = 0; i < transform.size(); ++i) transform[i].setGetPointerField(path[i]);
}

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
    if (path.empty()) {
      return BrokenCapability(absl::NotFoundError("the peer has no front object"));
    }
    return BrokenCapability(absl::InvalidArgumentError("a call on a null capability of an answer"));
  } catch (const kj::Exception& e) {
    return BrokenCapability(absl::InvalidArgumentError(e.getDescription().cStr()));
  }
}

}  // namespace drover::rpc
