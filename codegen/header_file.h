// The whole of a generated header, x/race.drover.h.
#ifndef DROVER_CODEGEN_HEADER_FILE_H_
#define DROVER_CODEGEN_HEADER_FILE_H_

#include <string>
#include <string_view>

#include "file_plan.h"

namespace drover::codegen {

std::string HeaderFile(FilePlan& plan);

// The guard of the header with that ending: DROVER_GENERATED_X_RACE_DROVER_H_.
std::string IncludeGuard(const FilePlan& plan, std::string_view suffix);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_HEADER_FILE_H_
