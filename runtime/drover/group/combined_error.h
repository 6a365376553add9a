// One status for several that failed.
//
// CombinedError({{0, Unavailable("gone")}, {2, Internal("bug")}}, 3) is
// "INTERNAL: 2 of 3 failed: [0] UNAVAILABLE: gone; [2] INTERNAL: bug".
//
// The code is that of the first failure which is not Unavailable, and Unavailable if none is: with
// absl::IsUnavailable a caller can tell that some peers are gone and nothing worse. A single
// failure of a single one is given as it is. Thread-safe; never blocks.
#ifndef DROVER_GROUP_COMBINED_ERROR_H_
#define DROVER_GROUP_COMBINED_ERROR_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace drover::group {

struct Failure {
  size_t index;
  absl::Status status;  // not OK
};

// OK if there are no failures. Names the first few in the order given.
absl::Status CombinedError(const std::vector<Failure>& failures, size_t total);

// The status of what a future gives.
inline const absl::Status& StatusOf(const absl::Status& result) { return result; }
inline absl::Status StatusOf(absl::Status&& result) { return std::move(result); }
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}
template <class T>
absl::Status StatusOf(absl::StatusOr<T>&& result) {
  return std::move(result).status();
}

}  // namespace drover::group

#endif  // DROVER_GROUP_COMBINED_ERROR_H_
