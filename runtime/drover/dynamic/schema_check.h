// Schema nodes that came from a peer, looked at before Cap'n Proto's SchemaLoader takes them. The
// loader takes much on trust, and what reads and builds messages by a schema takes all of it: that
// fields lie inside their structs, for one, so a bad node would be a way to write outside a
// message.
//
//   SchemaCheck check;
//   DROVER_RETURN_IF_ERROR(check.Add(bytes));     // of each node
//   DROVER_RETURN_IF_ERROR(check.Run(interface_id));
//   for (auto node : check.nodes()) loader.load(node);
//
// Not thread-safe. Errors: DataLoss for what is no usable schema; Unimplemented for generic types.
#ifndef DROVER_DYNAMIC_SCHEMA_CHECK_H_
#define DROVER_DYNAMIC_SCHEMA_CHECK_H_

#include <capnp/message.h>
#include <capnp/schema.capnp.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace drover::dynamic {

using NodeReader = capnp::schema::Node::Reader;

class SchemaCheck {
 public:
  // What a server may say of itself.
  static constexpr size_t kMaxNodes = 4096;
  static constexpr size_t kMaxBytes = size_t{16} << 20;
  static constexpr size_t kMaxMethods = 4096;
  static constexpr int kMaxGroupDepth = 64;

  absl::Status Add(std::string_view bytes);
  // Looks at all that the interface needs; that must be there.
  absl::Status Run(uint64_t interface_id);
  // What it needs, itself first. They live as long as this does.
  const std::vector<NodeReader>& nodes() const { return needed_; }

 private:
  enum class Kind { kStruct, kGroup, kEnum, kInterface };

  NodeReader Require(uint64_t id, Kind kind);
  void CheckNode(NodeReader node);
  void CheckStruct(NodeReader node);
  void CheckField(NodeReader node, capnp::schema::Field::Reader field);
  void CheckInterface(NodeReader node);
  void CheckType(capnp::schema::Type::Reader type);
  void CheckInheritance(uint64_t id, std::set<uint64_t>& under_way, std::set<uint64_t>& done);

  std::map<uint64_t, std::unique_ptr<capnp::MallocMessageBuilder>> messages_;
  size_t bytes_ = 0;
  size_t methods_ = 0;
  std::set<uint64_t> seen_;
  std::map<uint64_t, int> group_depths_;  // of those that a field has: how deep in their struct
  std::vector<NodeReader> needed_;
};

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_SCHEMA_CHECK_H_
