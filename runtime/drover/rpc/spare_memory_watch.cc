#include "drover/rpc/spare_memory_watch.h"

#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "drover/wire/spare_memory.h"

namespace drover::rpc {
namespace {

constexpr absl::Duration kBetweenLooks = absl::Seconds(1);

// Held by the timers' task, which they may drop instead of running it.
struct Watch {
  ~Watch() {
    if (!over) wire::SpareMemory::StopKeeping();
  }
  bool over = false;
};

void LookAgain(async::TimerSource& timers, std::unique_ptr<Watch> watch) {
  timers.AddAfter(kBetweenLooks, [&timers, watch = std::move(watch)]() mutable {
    watch->over = wire::SpareMemory::AreUnused();
    if (!watch->over) LookAgain(timers, std::move(watch));
  });
}

void LookAgain(async::TimerSource& timers, base::Ref<transport::SharedArena> arena) {
  timers.AddAfter(kBetweenLooks, [&timers, arena = std::move(arena)]() mutable {
    // With the last reference here nobody takes blocks any more, and a peer that is gone gives back
    // none.
    if (!arena->Unshared() && !arena->AreUnused()) LookAgain(timers, std::move(arena));
  });
}

}  // namespace

transport::SharedArena::Watch WatchOf(async::TimerSource& timers) {
  return
      [&timers](base::Ref<transport::SharedArena> arena) { LookAgain(timers, std::move(arena)); };
}

void KeepSpareMemory(async::TimerSource& timers) {
  if (wire::SpareMemory::Keep()) LookAgain(timers, std::make_unique<Watch>());
}

}  // namespace drover::rpc
