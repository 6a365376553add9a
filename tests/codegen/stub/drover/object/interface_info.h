#ifndef DROVER_OBJECT_INTERFACE_INFO_H_
#define DROVER_OBJECT_INTERFACE_INFO_H_

#include <cstdint>
#include <span>

namespace drover::object {

struct MethodInfo {
  uint64_t interface_id;
  uint16_t ordinal;
  const char* interface_name;
  const char* name;
  bool concurrent;
  bool idempotent;
};

struct InterfaceInfo {
  uint64_t id;
  const char* name;
  std::span<const MethodInfo> methods;
  std::span<const InterfaceInfo* const> supers;
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_INTERFACE_INFO_H_
