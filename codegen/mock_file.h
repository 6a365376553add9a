// Text of x.drover_mock.h: a mock of each servant, for tests of those who call it.
#ifndef DROVER_CODEGEN_MOCK_FILE_H_
#define DROVER_CODEGEN_MOCK_FILE_H_

#include <string>

#include "file_plan.h"

namespace drover::codegen {

std::string MockFile(const FilePlan& plan);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_MOCK_FILE_H_
