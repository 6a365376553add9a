// The whole of a generated source file, x/race.drover.cc.
#ifndef DROVER_CODEGEN_SOURCE_FILE_H_
#define DROVER_CODEGEN_SOURCE_FILE_H_

#include <string>

#include "file_plan.h"

namespace drover::codegen {

std::string SourceFile(const FilePlan& plan);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_SOURCE_FILE_H_
