// Which files' types a file's declarations need.
#ifndef DROVER_CODEGEN_USED_FILES_H_
#define DROVER_CODEGEN_USED_FILES_H_

#include <cstdint>
#include <set>

#include "schema_index.h"

namespace drover::codegen {

// The files, without `file` itself, that declare a type which something in `file` refers to.
// Imports that only annotate are not among them.
std::set<uint64_t> FilesUsedBy(const SchemaIndex& index, uint64_t file);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_USED_FILES_H_
