// A Return being built.
#ifndef DROVER_RPC_OUTGOING_RETURN_H_
#define DROVER_RPC_OUTGOING_RETURN_H_

#include "drover/rpc.capnp.h"
#include "drover/rpc/ids.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {

// The caller says what it returns. Params are released one by one, as they are dropped here.
inline protocol::Return::Builder InitReturn(wire::OutMessage& message, AnswerId id) {
  protocol::Return::Builder ret = message.builder().initRoot<protocol::Message>().initReturn();
  ret.setAnswerId(id.value());
  ret.setReleaseParamCaps(false);
  return ret;
}

}  // namespace drover::rpc

#endif  // DROVER_RPC_OUTGOING_RETURN_H_
