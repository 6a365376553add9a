// The whole of a generated header, x/race.drover.h.
#ifndef DROVER_CODEGEN_HEADER_FILE_H_
#define DROVER_CODEGEN_HEADER_FILE_H_

#include <string>

#include "file_plan.h"

namespace drover::codegen {

std::string HeaderFile(FilePlan& plan);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_HEADER_FILE_H_
