// One call for each item, spread over the proxies, results in the order of the items.
//
//   absl::StatusOr<std::vector<Thumbnail>> thumbnails =
//       drover::ParallelMap(workers, pictures, &WorkerProxy::Async::Shrink);
//
// A method without results gives an absl::Status.
//
// Order: items are handed out in order, each to the proxy with the fewest of them in flight.
// Failure: the first error fails all of it, with its code and the item named; what is in flight is
// cancelled. Whether the item of a lost worker (Unavailable) ran is unknown, so it is not sent
// again unless ParallelMapOptions::resend_lost says that it may be. InvalidArgument if there are
// items and no proxies, or for an in_flight below 1.
// Cancellation: in a servant whose call is cancelled, what is in flight is cancelled, and the
// result is Cancelled. Thread-safety: thread-safe. Blocking: blocks, safe from a servant.
#ifndef DROVER_GROUP_PARALLEL_MAP_H_
#define DROVER_GROUP_PARALLEL_MAP_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "drover/async/future.h"
#include "drover/base/ref.h"
#include "drover/group/all.h"
#include "drover/group/combined_error.h"
#include "drover/group/completion_queue.h"
#include "drover/group/item_schedule.h"
#include "drover/group/map.h"

namespace drover {

struct ParallelMapOptions {
  // Most items a proxy may have in flight. Default 1; at least 1. More hides the way to it and
  // back.
  int in_flight = 1;
  // Whether an item that failed with Unavailable is sent again, to another proxy; the one that lost
  // it gets no more items of this map. Default: no, since it may have run.
  bool resend_lost = false;
};

template <class P, class Item, class Method>
auto ParallelMap(const std::vector<P>& proxies, const std::vector<Item>& items, Method method,
                 const ParallelMapOptions& options = {})
    -> ResultOf<typename group::AllOf<AnswerOf<P, Method, Item>>::Type> {
  using T = AnswerOf<P, Method, Item>;
  if (options.in_flight < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("ParallelMap: in_flight is ", options.in_flight, "; at least 1 is needed"));
  }
  if (proxies.empty() && !items.empty()) {
    return absl::InvalidArgumentError("ParallelMap: no proxies to call");
  }
  group::ItemSchedule schedule(proxies.size(), items.size(), options.in_flight);
  auto queue = base::MakeRef<group::CompletionQueue>();
  std::vector<Future<T>> futures(items.size());  // dropped, and so cancelled, on each way out
  while (!schedule.done()) {
    while (std::optional<group::ItemSchedule::Step> step = schedule.Start()) {
      futures[step->item] = std::invoke(method, proxies[step->proxy].async(), items[step->item]);
      queue->Watch(step->item, *futures[step->item].state());
    }
    const std::optional<size_t> item = queue->Next();
    if (!item) return absl::CancelledError("the caller cancelled the call");
    async::FutureState<T>& state = *futures[*item].state();
    if (group::StatusOf(state.Peek()).ok()) {
      schedule.Finish(*item);
      continue;
    }
    const absl::Status status = group::StatusOf(state.Take());
    if (!options.resend_lost || !absl::IsUnavailable(status) || !schedule.Lose(*item)) {
      return absl::Status(status.code(), absl::StrCat("item ", *item, " of ", items.size(), ": ",
                                                      status.message()));
    }
  }
  if constexpr (std::is_void_v<T>) {
    return absl::OkStatus();
  } else {
    std::vector<T> results;
    results.reserve(items.size());
    for (Future<T>& future : futures) results.push_back(*future.state()->Take());
    return results;
  }
}

}  // namespace drover

#endif  // DROVER_GROUP_PARALLEL_MAP_H_
