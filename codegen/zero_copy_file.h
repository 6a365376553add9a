// The whole of a generated header of zero-copy forms, x/race.drover_zero_copy.h.
#ifndef DROVER_CODEGEN_ZERO_COPY_FILE_H_
#define DROVER_CODEGEN_ZERO_COPY_FILE_H_

#include <string>

#include "file_plan.h"

namespace drover::codegen {

std::string ZeroCopyFile(const FilePlan& plan);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_ZERO_COPY_FILE_H_
