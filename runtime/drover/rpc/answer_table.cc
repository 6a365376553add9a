#include "drover/rpc/answer_table.h"

#include <capnp/any.h>

#include "drover/rpc.capnp.h"

namespace drover::rpc {

capnp::AnyPointer::Reader AnswerResults::content() {
  auto ret = message->builder().getRoot<protocol::Message>().getReturn();
  return caps.Imbue(ret.getResults().getContent().asReader());
}

base::Ref<Capability> AnswerResults::Get(const PipelinePath& path) {
  if (!bare) return CapabilityAt(content(), path);
  if (path.empty()) return bare;
  return BrokenCapability(
      absl::InvalidArgumentError("a call on a field of an answer that is itself a capability"));
}

}  // namespace drover::rpc
