#include "drover/object/servant.h"

#include "absl/strings/str_cat.h"
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

std::string Servant::MethodName(uint64_t interface_id, uint16_t method_id) const {
  const object::MethodInfo* method = object::FindMethod(Interface(), interface_id, method_id);
  if (method == nullptr) return Dispatcher::MethodName(interface_id, method_id);
  return absl::StrCat(method->interface_name, ".", method->name);
}

}  // namespace drover
