#include "schema_checks.h"

namespace drover::codegen {

std::vector<std::string> CheckFile(const SchemaIndex& index, uint64_t file) {
  std::vector<std::string> problems;
  if (index.DroverNamespace(file).empty()) {
    problems.push_back(index.FilePath(file) + ": no namespace");
  }
  return problems;
}

}  // namespace drover::codegen
