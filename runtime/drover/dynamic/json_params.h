// JSON into the params of a call.
//
// Thread-safe: a function without state. Throws CodecError: InvalidArgument, which names the field
// and says what is wrong with it.
#ifndef DROVER_DYNAMIC_JSON_PARAMS_H_
#define DROVER_DYNAMIC_JSON_PARAMS_H_

#include <capnp/any.h>
#include <capnp/schema.h>

#include <string_view>
#include <vector>

#include "drover/object/proxy.h"

namespace drover::dynamic {

// `objects`: what {"$object": N} stands for.
void ReadParams(std::string_view json, capnp::StructSchema type, const std::vector<Proxy>& objects,
                capnp::AnyPointer::Builder out);

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_JSON_PARAMS_H_
