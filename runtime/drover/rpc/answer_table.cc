#include "drover/rpc/answer_table.h"

#include "drover/rpc.capnp.h"

namespace drover::rpc {

base::Ref<Capability> AnswerResults::Get(const AnswerPath& path) {
  if (bare) {
    if (path.empty()) return bare;
    return BrokenCapability(
        absl::InvalidArgumentError("a call on a field of an answer that is itself a capability"));
  }
  auto ret = message->builder().getRoot<protocol::Message>().getReturn();
  return CapabilityAt(caps.Imbue(ret.getResults().getContent().asReader()), path);
}

}  // namespace drover::rpc
