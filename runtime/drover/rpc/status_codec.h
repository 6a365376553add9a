// absl::Status across the wire: Exception.type and reason for every peer, the exact code and the
// payloads in one Exception.details entry for those who know it.
//
// Thread-safe (no state). FromException never fails: what it cannot read becomes Unknown.
#ifndef DROVER_RPC_STATUS_CODEC_H_
#define DROVER_RPC_STATUS_CODEC_H_

#include "absl/status/status.h"
#include "drover/rpc.capnp.h"

namespace drover::rpc {

// `status` is not OK.
void ToException(const absl::Status& status, protocol::Exception::Builder out);
absl::Status FromException(protocol::Exception::Reader in);

}  // namespace drover::rpc

#endif  // DROVER_RPC_STATUS_CODEC_H_
