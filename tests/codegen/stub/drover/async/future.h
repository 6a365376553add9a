// A future that is ready when it is made: all that generated code needs to be tested alone.
#ifndef DROVER_ASYNC_FUTURE_H_
#define DROVER_ASYNC_FUTURE_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace drover {

template <class T>
class Future {
 public:
  Future(absl::StatusOr<T> result) : result_(std::move(result)) {}  // NOLINT
  Future(absl::Status error) : result_(std::move(error)) {}         // NOLINT
  Future(T value) : result_(std::move(value)) {}                    // NOLINT
  absl::StatusOr<T> Get() && { return std::move(result_); }

 private:
  absl::StatusOr<T> result_;
};

template <>
class Future<void> {
 public:
  Future(absl::Status result) : result_(std::move(result)) {}  // NOLINT
  absl::Status Get() && { return std::move(result_); }

 private:
  absl::Status result_;
};

}  // namespace drover

#endif  // DROVER_ASYNC_FUTURE_H_
