// Tells a process from the one it was forked from, at the cost of one load.
//
//   const uint32_t born = base::ForkGeneration();   // when a connection is made
//   if (base::ForkGeneration() != born) ...         // we are in a child: touch nothing
//
// And whether another process may have copies of what this one has open:
//
//   if (!base::MayShareDescriptors()) ...           // close() ends the connection by itself
//
// Thread-safe; never blocks. The number grows by one in the child of every fork().
#ifndef DROVER_BASE_FORK_GENERATION_H_
#define DROVER_BASE_FORK_GENERATION_H_

#include <cstdint>

namespace drover::base {

uint32_t ForkGeneration();

// Whether this process has called fork() since it began or was forked itself. A child that executes
// another program at once, as posix_spawn() makes one, keeps nothing that is close-on-exec.
bool MayShareDescriptors();

}  // namespace drover::base

#endif  // DROVER_BASE_FORK_GENERATION_H_
