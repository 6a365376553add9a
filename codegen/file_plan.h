// What one requested file of the schema declares, in the order C++ wants it, and what it needs.
#ifndef DROVER_CODEGEN_FILE_PLAN_H_
#define DROVER_CODEGEN_FILE_PLAN_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cpp_types.h"
#include "definition_order.h"
#include "interface_model.h"
#include "literals.h"
#include "schema_index.h"
#include "struct_model.h"

namespace drover::codegen {

using RequestedFile = capnp::schema::CodeGeneratorRequest::RequestedFile::Reader;

class FilePlan {
 public:
  FilePlan(const SchemaIndex& index, RequestedFile file);

  const SchemaIndex& index;
  uint64_t id;
  std::string path;           // x/race.capnp
  std::string cpp_namespace;  // race
  std::vector<uint64_t> enums;
  std::vector<uint64_t> interfaces;  // each after those it extends
  std::vector<uint64_t> scopes;      // interfaces with declarations nested in them
  std::vector<std::string> imports;  // headers of the files whose types are used

  CppTypes types;       // names as said inside cpp_namespace
  CppTypes root_types;  // names as said anywhere else
  DefinitionOrder order;
  StructModels struct_models;
  Literals literals;
  std::vector<StructModel> structs;  // in order of definition
  std::vector<InterfaceModel> interface_models;

  // x/race.drover.h and x/race.drover.cc, and what capnpc-c++ writes: x/race.capnp.h.
  std::string OutputPath(std::string_view suffix) const;

 private:
  void Collect(uint64_t scope, std::vector<uint64_t>& structs);
  std::vector<uint64_t> CollectStructs();
  void CollectImports(RequestedFile file);
};

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_FILE_PLAN_H_
