// Sees to it that memory kept for large messages (wire::SpareMemory), and memory shared for them
// (transport::SharedArena), is given back when there have been none for a second or two.
//
// Thread-safe. Never blocks.
#ifndef DROVER_RPC_SPARE_MEMORY_WATCH_H_
#define DROVER_RPC_SPARE_MEMORY_WATCH_H_

#include "drover/async/timer_source.h"
#include "drover/base/ref.h"
#include "drover/transport/shared_arena.h"

namespace drover::rpc {

// A large message has passed: from now on their memory is kept, until `timers` find that it is not
// used, or go away.
void KeepSpareMemory(async::TimerSource& timers);

// What an arena calls when a block of it is taken (SharedArena::set_watch).
transport::SharedArena::Watch WatchOf(async::TimerSource& timers);

}  // namespace drover::rpc

#endif  // DROVER_RPC_SPARE_MEMORY_WATCH_H_
