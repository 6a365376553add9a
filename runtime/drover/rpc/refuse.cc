#include "drover/rpc/refuse.h"

#include <sys/uio.h>

#include <vector>

#include "drover/rpc.capnp.h"
#include "drover/rpc/status_codec.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {

void Refuse(transport::ByteStream& stream, const absl::Status& reason) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  ToException(reason, message->builder().initRoot<protocol::Message>().initAbort());
  std::vector<iovec> pieces;
  message->GatherFrame(pieces);
  stream.Write(pieces);
  stream.Shutdown();
}

}  // namespace drover::rpc
