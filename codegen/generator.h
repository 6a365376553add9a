// A code generator request in, the text of Drover's C++ files out: all of the generator but its
// input and output.
//
//   Generated generated = Generate(request);
//   if (generated.problems.empty()) ... write generated.files ...
//
// Errors: whatever the request holds, however malformed, is described in `problems`; nothing is
// thrown. Never blocks.
#ifndef DROVER_CODEGEN_GENERATOR_H_
#define DROVER_CODEGEN_GENERATOR_H_

#include <capnp/schema.capnp.h>

#include <map>
#include <string>
#include <vector>

namespace drover::codegen {

struct Generated {
  std::map<std::string, std::string> files;  // by path, relative to where the output goes
  std::vector<std::string> problems;         // a line each; if there are any, there are no files
};

Generated Generate(capnp::schema::CodeGeneratorRequest::Reader request);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_GENERATOR_H_
