// What travels with a call that is about to be made: what its options say, on top of what the call
// being served inherited.
//
// Thread-safe (no state). Never blocks.
#ifndef DROVER_OBJECT_OUTGOING_METADATA_H_
#define DROVER_OBJECT_OUTGOING_METADATA_H_

#include "absl/status/statusor.h"
#include "drover/object/call_options.h"
#include "drover/rpc/call_metadata.h"

namespace drover::object {

// `options` may be null. Null if there is nothing to tell; InvalidArgument for malformed options.
// Nobody waits for a one-way call, so it is in no chain of calls that do.
absl::StatusOr<rpc::CallMetadataPtr> MetadataForCall(const CallOptions* options, bool one_way);

}  // namespace drover::object

#endif  // DROVER_OBJECT_OUTGOING_METADATA_H_
