// The same call on every proxy; waits until each has been answered or has failed.
//
//   absl::Status told = drover::Broadcast(workers, &race::WorkerProxy::Async::Stop);
//   if (absl::IsUnavailable(told)) ...   // some are gone already, and nothing worse happened
//
// Results other than errors are dropped.
//
// Order: none; all calls are in flight together.
// Failure: one that fails does not keep the others from being called. OK if all succeeded;
// otherwise one error that says how many failed, and which and why, with the code of the first of
// them that is not Unavailable, or else Unavailable.
// Cancellation: in a servant whose call is cancelled, what is not answered yet is cancelled, and
// counts as failed with Cancelled.
// Thread-safety: thread-safe.
// Blocking: blocks, safe from a servant.
#ifndef DROVER_GROUP_BROADCAST_H_
#define DROVER_GROUP_BROADCAST_H_

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "drover/group/as_completed.h"
#include "drover/group/combined_error.h"
#include "drover/group/map.h"

namespace drover {

template <class P, class Method, class... Args>
absl::Status Broadcast(const std::vector<P>& proxies, Method method, const Args&... args) {
  std::vector<group::Failure> failures;
  for (const auto& [i, result] : AsCompleted(Map(proxies, method, args...))) {
    if (!result.ok()) failures.push_back({i, group::StatusOf(result)});
  }
  std::sort(failures.begin(), failures.end(),
            [](const group::Failure& a, const group::Failure& b) { return a.index < b.index; });
  return group::CombinedError(failures, proxies.size());
}

}  // namespace drover

#endif  // DROVER_GROUP_BROADCAST_H_
