// What generated code says of an interface: its methods, the interfaces it extends, its schema.
//
//   for (const drover::object::MethodInfo& m : race::WorkerProxy::Interface().methods) ...
//
// Constant data; thread-safe.
#ifndef DROVER_OBJECT_INTERFACE_INFO_H_
#define DROVER_OBJECT_INTERFACE_INFO_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace drover::object {

struct MethodInfo {
  uint64_t interface_id = 0;
  uint16_t ordinal = 0;
  const char* interface_name = "";  // "Worker"
  const char* name = "";            // "calculate"
  bool concurrent = false;          // $Drover.concurrent, of the method or its interface
  bool idempotent = false;          // $Drover.idempotent, likewise
  bool streaming = false;           // -> stream
  // The pointer of the results struct that a future's value is made of, where that is an object or
  // a struct and the only result; otherwise -1: the value is the whole results struct.
  int16_t result_slot = -1;
};

struct InterfaceInfo {
  uint64_t id = 0;
  const char* name = "";
  std::span<const MethodInfo> methods;  // by ordinal
  std::span<const InterfaceInfo* const> supers;
  // The schema nodes (capnp/schema.capnp's Node) of the interface and of everything it refers to,
  // each once: what it takes to load it elsewhere. Each is a message in stream framing. Null for an
  // interface that was not generated.
  std::vector<std::string> (*schema_nodes)() = nullptr;
};

// The method, of the interface or of one that it extends; null if there is none.
const MethodInfo* FindMethod(const InterfaceInfo& interface, uint64_t interface_id,
                             uint16_t ordinal);

}  // namespace drover::object

#endif  // DROVER_OBJECT_INTERFACE_INFO_H_
