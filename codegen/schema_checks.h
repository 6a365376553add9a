// What a schema may not have, found before anything is generated.
#ifndef DROVER_CODEGEN_SCHEMA_CHECKS_H_
#define DROVER_CODEGEN_SCHEMA_CHECKS_H_

#include <string>
#include <vector>

#include "schema_index.h"

namespace drover::codegen {

// Everything wrong with a requested file, as lines that name the file and what is wrong in it.
std::vector<std::string> CheckFile(const SchemaIndex& index, uint64_t file);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_SCHEMA_CHECKS_H_
