// Tells a process from the one it was forked from, at the cost of one load.
//
//   const uint32_t born = base::ForkGeneration();   // when a connection is made
//   if (base::ForkGeneration() != born) ...         // we are in a child: touch nothing
//
// Thread-safe; never blocks. The number grows by one in the child of every fork().
#ifndef DROVER_BASE_FORK_GENERATION_H_
#define DROVER_BASE_FORK_GENERATION_H_

#include <cstdint>

namespace drover::base {

uint32_t ForkGeneration();

}  // namespace drover::base

#endif  // DROVER_BASE_FORK_GENERATION_H_
