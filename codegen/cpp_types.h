// The C++ type of each type of the schema.
#ifndef DROVER_CODEGEN_CPP_TYPES_H_
#define DROVER_CODEGEN_CPP_TYPES_H_

#include <set>
#include <string>

#include "schema_index.h"

namespace drover::codegen {

class CppTypes {
 public:
  // Names as code inside namespace `from` says them; empty: from the root.
  CppTypes(const SchemaIndex& index, std::string from) : index_(index), from_(std::move(from)) {}

  // What a field, a list element or a servant's parameter holds: std::vector<std::string>.
  std::string Value(TypeReader type) const;
  // How a proxy's parameter or a setter's argument is passed: std::string_view, const Tire&.
  std::string Parameter(TypeReader type) const;
  // A declared type: WorkerJob, or ::parts::Wheel from another namespace.
  std::string Name(uint64_t id, std::string_view suffix = "") const;

  // Names declared in the scope that is being written, which hide those of the namespace.
  void SetHidden(std::set<std::string> hidden) { hidden_ = std::move(hidden); }

 private:
  const SchemaIndex& index_;
  const std::string from_;
  std::set<std::string> hidden_;
};

// True for what is cheaper to pass by value: numbers, Bool, Void, enums.
bool IsScalar(TypeReader type);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_CPP_TYPES_H_
