#include "drover/object/interface_info.h"

namespace drover::object {

const MethodInfo* FindMethod(const InterfaceInfo& interface, uint64_t interface_id,
                             uint16_t ordinal) {
  if (interface.id == interface_id) {
    for (const MethodInfo& method : interface.methods) {
      if (method.ordinal == ordinal) return &method;
    }
    return nullptr;
  }
  for (const InterfaceInfo* super : interface.supers) {
    if (const MethodInfo* method = FindMethod(*super, interface_id, ordinal)) return method;
  }
  return nullptr;
}

}  // namespace drover::object
