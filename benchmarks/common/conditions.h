// What a figure depends on besides the code: machine, kernel, compiler, libraries.
#ifndef DROVER_BENCHMARKS_COMMON_CONDITIONS_H_
#define DROVER_BENCHMARKS_COMMON_CONDITIONS_H_

#include <string>
#include <utility>
#include <vector>

namespace drover::bench {

// Pairs of what and its value, in the order to print. What cannot be found out says so.
std::vector<std::pair<std::string, std::string>> Conditions();

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_CONDITIONS_H_
