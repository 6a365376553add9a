#include "drover/object/servant.h"

#include "drover/object/generated.h"

namespace drover {

void Servant::HandleCall(rpc::IncomingCall& call) {
  object::ServerCall server_call(call);
  try {
    Dispatch(server_call);
  } catch (const object::CodecError& e) {
    call.ReturnError(e.status());
  }
}

bool Servant::IsConcurrent(uint64_t interface_id, uint16_t method_id) const {
  const object::MethodInfo* method = object::FindMethod(Interface(), interface_id, method_id);
  return method != nullptr && method->concurrent;
}

}  // namespace drover
