// The first success of several futures.
//
//   absl::StatusOr<std::string> page = drover::Race(drover::Map(mirrors,
//   &MirrorProxy::Async::Get)).Get();
//
// Order: the one that succeeds first by the clock; of several that are there already, the first of
// the vector.
// Failure: errors count only when all have failed: then one error tells of them (the code is that
// of the first in the vector which is not Unavailable, or else Unavailable). Of no futures:
// InvalidArgument. A future without work counts as FailedPrecondition.
// Cancellation: the others are cancelled once there is a winner; cancelling or dropping the result
// cancels all of them.
// Thread-safety: thread-safe.
// Ownership: takes the futures.
// Blocking: never; the result's Get does.
#ifndef DROVER_GROUP_RACE_H_
#define DROVER_GROUP_RACE_H_

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/base/ref.h"
#include "drover/group/combined_error.h"
#include "drover/group/future_set.h"

namespace drover {
namespace group {

template <class T>
class RaceState final : public FutureSet<T> {
 public:
  static Future<T> Start(std::vector<Future<T>> futures) {
    if (futures.empty()) return Future<T>(absl::InvalidArgumentError("a race of no futures"));
    auto self = base::Ref<RaceState>::Adopt(new RaceState(std::move(futures)));
    Future<T> result = self->promise_.future();
    self->promise_.OnCancel([self] { self->CancelAll(); });
    self->Begin();
    return result;
  }

 private:
  explicit RaceState(std::vector<Future<T>> futures)
      : FutureSet<T>(std::move(futures)), left_(this->size()) {}

  void OnComplete(size_t i) override {
    if (StatusOf(this->state(i).Peek()).ok()) {
      if (won_.exchange(true)) return;
      promise_.Set(this->state(i).Take());
      if (this->size() > 1) this->CancelAllSoon();
    } else if (left_.fetch_sub(1) == 1) {
      std::vector<Failure> failures;
      for (size_t j = 0; j < this->size(); ++j) {
        failures.push_back({j, StatusOf(this->state(j).Take())});
      }
      promise_.Set(CombinedError(failures, this->size()));
    }
  }

  Promise<T> promise_;
  std::atomic<size_t> left_;  // that have not failed
  std::atomic<bool> won_{false};
};

}  // namespace group

template <class T>
Future<T> Race(std::vector<Future<T>> futures) {
  return group::RaceState<T>::Start(std::move(futures));
}

}  // namespace drover

#endif  // DROVER_GROUP_RACE_H_
