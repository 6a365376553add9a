// Contenders that are programs of their own; peer_main.h says how one is called.
#ifndef DROVER_BENCHMARKS_COMMON_PROGRAM_CONTENDER_H_
#define DROVER_BENCHMARKS_COMMON_PROGRAM_CONTENDER_H_

#include <memory>
#include <string>
#include <vector>

#include "common/contender.h"

namespace drover::bench {

struct ProgramContenders {
  std::vector<std::unique_ptr<Contender>> contenders;
  std::vector<std::string> left_out;  // programs that do not say what they do, and why: a line each
};

// Asks each executable in the folder, in the order of their names, what it is and does. None if
// there is no folder. Blocks.
ProgramContenders FindProgramContenders(const std::string& folder);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_PROGRAM_CONTENDER_H_
