#include "drover/object/pipeline.h"

namespace drover::object {

PipelinePlace PipelinePlace::Field(uint16_t pointer_slot) const {
  PipelinePlace field = *this;
  field.path_.push_back(pointer_slot);
  return field;
}

Proxy PipelinePlace::Capability() const {
  if (!source_) {
    return Proxy::FromCapability(rpc::BrokenCapability(
        absl::FailedPreconditionError("a call on the result of a future without work")));
  }
  return Proxy::FromCapability(source_->CapabilityAt(path_));
}

}  // namespace drover::object
