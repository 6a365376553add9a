// A call's metadata on the wire: `CallExtension` of drover/rpc.capnp.
//
// Thread-compatible. Malformed metadata throws kj::Exception, as any malformed message does.
#ifndef DROVER_RPC_METADATA_CODEC_H_
#define DROVER_RPC_METADATA_CODEC_H_

#include "absl/time/time.h"
#include "drover/rpc.capnp.h"
#include "drover/rpc/call_metadata.h"

namespace drover::rpc {

// Deadlines travel as the time left, since clocks differ.
void WriteMetadata(const CallMetadata& metadata, absl::Time now,
                   protocol::CallExtension::Builder out);
CallMetadata ReadMetadata(protocol::CallExtension::Reader in, absl::Time now);

}  // namespace drover::rpc

#endif  // DROVER_RPC_METADATA_CODEC_H_
