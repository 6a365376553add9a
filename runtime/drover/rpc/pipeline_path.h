// The way from a call's results to a capability inside them: pointer fields, outermost first.
//
// Thread-safe (no state). CapabilityAt never gives null: what is not there is a broken capability.
#ifndef DROVER_RPC_PIPELINE_PATH_H_
#define DROVER_RPC_PIPELINE_PATH_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "drover/base/ref.h"
#include "drover/rpc.capnp.h"
#include "drover/rpc/capability.h"

namespace drover::rpc {

using PipelinePath = std::vector<uint16_t>;

// As it travels in messages. Unimplemented if it has an operation that is not known here: without
// it the path would lead to another capability than the one that is meant.
absl::StatusOr<PipelinePath> ReadPath(protocol::PromisedAnswer::Reader in);
void WritePath(const PipelinePath& path, protocol::PromisedAnswer::Builder out);

// What `path` leads to in `results`, which have their table of capabilities.
base::Ref<Capability> CapabilityAt(capnp::AnyPointer::Reader results, const PipelinePath& path);

}  // namespace drover::rpc

#endif  // DROVER_RPC_PIPELINE_PATH_H_
