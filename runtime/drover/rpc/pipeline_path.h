// The way from a call's results to a capability inside them.
//
//   base::Ref<Capability> engine = CapabilityAt(results, {0, 2});
//
// Thread-compatible. Never throws, never blocks.
#ifndef DROVER_RPC_PIPELINE_PATH_H_
#define DROVER_RPC_PIPELINE_PATH_H_

#include <capnp/any.h>

#include <cstdint>
#include <vector>

#include "drover/base/ref.h"
#include "drover/rpc/capability.h"

namespace drover::rpc {

// Pointer fields, outermost first; empty where the results are a capability themselves.
using PipelinePath = std::vector<uint16_t>;

// Never null: broken with InvalidArgument if the path leads nowhere, or to no capability.
base::Ref<Capability> CapabilityAt(capnp::AnyPointer::Reader results, const PipelinePath& path);

}  // namespace drover::rpc

#endif  // DROVER_RPC_PIPELINE_PATH_H_
