// Sees to it that memory kept for large messages (wire::SpareMemory) is given back when there have
// been none for a second or two.
//
// Thread-safe. Never blocks.
#ifndef DROVER_RPC_SPARE_MEMORY_WATCH_H_
#define DROVER_RPC_SPARE_MEMORY_WATCH_H_

#include "drover/async/timer_source.h"

namespace drover::rpc {

// A large message has passed: from now on their memory is kept, until `timers` find that it is not
// used, or go away.
void KeepSpareMemory(async::TimerSource& timers);

}  // namespace drover::rpc

#endif  // DROVER_RPC_SPARE_MEMORY_WATCH_H_
