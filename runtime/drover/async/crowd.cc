#include "drover/async/crowd.h"

#include <sched.h>

namespace drover::async {

bool Crowd::Yield(int64_t* now) {
  const int64_t from = *now;
  if (Rests(from)) return false;
  sched_yield();
  *now = SteadyNanos();
  NoteTurn(*now - from, *now);
  return !Rests(*now);
}

}  // namespace drover::async
