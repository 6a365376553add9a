// Numbers that no two calls, processes or machines share but by an accident too rare to happen.
//
//   uint64_t id = base::RandomId();
//
// Not for secrets. Thread-safe; never 0; never blocks after a thread's first. A forked child draws
// a seed of its own.
#ifndef DROVER_BASE_RANDOM_ID_H_
#define DROVER_BASE_RANDOM_ID_H_

#include <cstdint>

namespace drover::base {

uint64_t RandomId();

}  // namespace drover::base

#endif  // DROVER_BASE_RANDOM_ID_H_
