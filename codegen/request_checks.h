// What the compiler promises of every request, and the generator builds on: declarations nest as a
// forest, interfaces extend no descendants, ids refer to nodes of the kind they should. A request
// that was made by something else may break any of it.
#ifndef DROVER_CODEGEN_REQUEST_CHECKS_H_
#define DROVER_CODEGEN_REQUEST_CHECKS_H_

#include <capnp/schema.capnp.h>

#include <string>
#include <vector>

namespace drover::codegen {

// What is wrong with the request, a line each, the first hundred at most; empty if it can be
// generated from. May throw kj::Exception where it cannot be read at all.
std::vector<std::string> CheckRequest(capnp::schema::CodeGeneratorRequest::Reader request);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_REQUEST_CHECKS_H_
