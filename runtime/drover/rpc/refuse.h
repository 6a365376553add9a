// Turns a client away before it has a connection: an Abort that says why, then the end.
//
// Thread-safe for different streams. Never blocks: an Abort that the stream does not take at once
// is not sent.
#ifndef DROVER_RPC_REFUSE_H_
#define DROVER_RPC_REFUSE_H_

#include "absl/status/status.h"
#include "drover/transport/byte_stream.h"

namespace drover::rpc {

void Refuse(transport::ByteStream& stream, const absl::Status& reason);

}  // namespace drover::rpc

#endif  // DROVER_RPC_REFUSE_H_
