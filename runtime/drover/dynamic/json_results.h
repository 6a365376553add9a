// The results of a call into JSON.
//
// Thread-safe: a function without state. Throws CodecError: ResourceExhausted if the text would be
// longer than kMaxJsonBytes, Unimplemented for an AnyPointer, InvalidArgument for what is nested
// too deeply; and kj::Exception for malformed messages.
#ifndef DROVER_DYNAMIC_JSON_RESULTS_H_
#define DROVER_DYNAMIC_JSON_RESULTS_H_

#include <capnp/any.h>
#include <capnp/schema.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "drover/base/ref.h"
#include "drover/rpc/capability.h"

namespace drover::dynamic {

constexpr size_t kMaxJsonBytes = size_t{64} << 20;

struct JsonResults {
  struct Object {
    base::Ref<rpc::Capability> capability;
    uint64_t interface_id;
    std::string path;
  };

  std::string json;
  std::vector<Object> objects;  // N of {"$object": N}
};

JsonResults WriteResults(capnp::AnyPointer::Reader results, capnp::StructSchema type);

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_JSON_RESULTS_H_
