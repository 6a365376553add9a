// The schema of an interface, as a server described it, ready to make calls by.
//
// Thread-safe: nothing in it changes. Errors: of Load, those of SchemaCheck.
#ifndef DROVER_DYNAMIC_LOADED_SCHEMA_H_
#define DROVER_DYNAMIC_LOADED_SCHEMA_H_

#include <capnp/schema-loader.h>
#include <capnp/schema.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "drover/object/interface_info.h"

namespace drover::dynamic {

struct LoadedMethod {
  std::string interface_name;  // "Cook"
  std::string name;            // "add"
  capnp::StructSchema params;
  capnp::StructSchema results;
  std::string params_text;  // "(a :UInt32, b :UInt32)"
  std::string results_text;
  object::MethodInfo info;  // its names are those above

  std::string qualified_name() const { return interface_name + "." + name; }
};

struct LoadedInterface {
  uint64_t id = 0;
  std::string name;
  std::string full_name;  // with the file's: "kitchen.capnp:Cook"
  capnp::InterfaceSchema schema;
  std::vector<std::unique_ptr<LoadedMethod>> methods;  // its own, by ordinal
};

class LoadedSchema {
 public:
  static absl::StatusOr<std::shared_ptr<const LoadedSchema>> Load(
      uint64_t interface_id, const std::vector<std::string>& nodes);

  // One that was loaded: that of Load, or one that a type in it refers to.
  const LoadedInterface& Interface(uint64_t id) const { return interfaces_.at(id); }
  // It, and then the interfaces it extends, each once.
  std::vector<const LoadedInterface*> Lineage(uint64_t id) const;
  // By what a caller says. InvalidArgument if there is none, or more than one.
  absl::StatusOr<const LoadedMethod*> FindMethod(uint64_t interface_id,
                                                 std::string_view name) const;
  // What finds the method: its name, or if need be the qualified one.
  std::string CallName(uint64_t interface_id, const LoadedMethod& method) const;

 private:
  LoadedSchema() = default;
  void AddInterface(capnp::InterfaceSchema schema);
  std::vector<const LoadedMethod*> Matches(uint64_t interface_id, std::string_view name) const;

  capnp::SchemaLoader loader_;
  std::map<uint64_t, LoadedInterface> interfaces_;
};

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_LOADED_SCHEMA_H_
