// One future of several results.
//
//   absl::StatusOr<std::vector<uint32_t>> seconds =
//       drover::All(drover::Map(workers, &race::WorkerProxy::Async::Calculate)).Get();
//
// All of Future<void> is a Future<void>.
//
// Order: results are in the order of the futures. Of no futures at once, and empty.
// Failure: completes with the first error, as soon as it is there; the others are cancelled. A
// future without work gives FailedPrecondition.
// Cancellation: cancelling or dropping the result cancels all of them.
// Thread-safety: thread-safe.
// Ownership: takes the futures.
// Blocking: never; the result's Get does.
#ifndef DROVER_GROUP_ALL_H_
#define DROVER_GROUP_ALL_H_

#include <atomic>
#include <cstddef>
#include <type_traits>
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
struct AllOf {
  using Type = std::vector<T>;
};
template <>
struct AllOf<void> {
  using Type = void;
};

template <class T>
class AllState final : public FutureSet<T> {
 public:
  using Type = typename AllOf<T>::Type;

  static Future<Type> Start(std::vector<Future<T>> futures) {
    auto self = base::Ref<AllState>::Adopt(new AllState(std::move(futures)));
    Future<Type> result = self->promise_.future();
    self->promise_.OnCancel([self] {
      self->failed_ = true;
      self->CancelAll();
    });
    if (self->size() == 0) self->Succeed();
    self->Begin();
    return result;
  }

 private:
  explicit AllState(std::vector<Future<T>> futures)
      : FutureSet<T>(std::move(futures)), left_(this->size()) {}

  void OnComplete(size_t i) override {
    if (StatusOf(this->state(i).Peek()).ok()) {
      if (left_.fetch_sub(1) == 1) Succeed();
    } else if (!failed_.exchange(true)) {
      promise_.Set(StatusOf(this->state(i).Take()));
      this->CancelAllSoon();
    }
  }

  void Succeed() {
    if constexpr (std::is_void_v<T>) {
      promise_.Set(absl::OkStatus());
    } else {
      std::vector<T> values;
      values.reserve(this->size());
      for (size_t i = 0; i < this->size(); ++i) values.push_back(*this->state(i).Take());
      promise_.Set(std::move(values));
    }
  }

  Promise<Type> promise_;
  std::atomic<size_t> left_;  // that have not succeeded
  std::atomic<bool> failed_{false};
};

}  // namespace group

template <class T>
Future<typename group::AllOf<T>::Type> All(std::vector<Future<T>> futures) {
  return group::AllState<T>::Start(std::move(futures));
}

}  // namespace drover

#endif  // DROVER_GROUP_ALL_H_
