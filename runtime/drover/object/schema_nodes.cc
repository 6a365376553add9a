#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "drover/object/generated.h"

namespace drover::object {
namespace {

using capnp::_::RawSchema;

// A compiled node is the one segment of a message; the segment table is what it lacks.
std::string AsMessage(const RawSchema& schema) {
  std::string message(sizeof(capnp::word), '\0');
  for (int i = 0; i < 4; ++i) {
    message[4 + i] = static_cast<char>(schema.encodedSize >> (8 * i) & 0xff);
  }
  message.append(reinterpret_cast<const char*>(schema.encodedNode),
                 schema.encodedSize * sizeof(capnp::word));
  return message;
}

}  // namespace

std::vector<std::string> SchemaNodes(const RawSchema& schema) {
  std::vector<std::string> nodes;
  std::set<uint64_t> seen = {schema.id};
  std::vector<const RawSchema*> open = {&schema};
  while (!open.empty()) {
    const RawSchema& next = *open.back();
    open.pop_back();
    nodes.push_back(AsMessage(next));
    for (uint32_t i = 0; i < next.dependencyCount; ++i) {
      if (seen.insert(next.dependencies[i]->id).second) open.push_back(next.dependencies[i]);
    }
  }
  return nodes;
}

}  // namespace drover::object
