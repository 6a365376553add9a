// The results of several futures, each as soon as it is there.
//
//   for (const auto& [i, seconds] : drover::AsCompleted(std::move(answers))) {
//     if (seconds.ok()) std::cout << "Worker " << i << " took " << *seconds << " seconds\n";
//   }
//
// Order: exactly that of completion; `i` is the future's place in the vector. Results that are
// there already come first.
// Failure: an error is a result like any other. A future without work gives FailedPrecondition.
// Cancellation: leaving the loop early drops, and so cancels, what is not complete. In a servant
// whose call is cancelled, all that is not complete is cancelled, and gives Cancelled.
// Thread-safety: thread-compatible; one loop over it.
// Ownership: move-only; owns the futures.
// Blocking: begin() and ++ block for the next result, safe from a servant; Next() likewise.
#ifndef DROVER_GROUP_AS_COMPLETED_H_
#define DROVER_GROUP_AS_COMPLETED_H_

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/base/ref.h"
#include "drover/group/completion_queue.h"

namespace drover {

template <class T>
struct Completion {
  size_t index;
  ResultOf<T> result;
};

template <class T>
class AsCompleted {
 public:
  class Iterator {
   public:
    using value_type = Completion<T>;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(AsCompleted* range) : range_(range) {}

    Completion<T>& operator*() const { return *range_->current_; }
    Completion<T>* operator->() const { return &*range_->current_; }
    Iterator& operator++() {
      range_->current_ = range_->Next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !range_->current_.has_value(); }

   private:
    AsCompleted* range_ = nullptr;
  };

  explicit AsCompleted(std::vector<Future<T>> futures)
      : queue_(base::MakeRef<group::CompletionQueue>()),
        futures_(std::move(futures)),
        left_(futures_.size()) {
    for (size_t i = 0; i < futures_.size(); ++i) {
      if (!futures_[i].valid()) {
        futures_[i] = Future<T>(absl::FailedPreconditionError("a future without work"));
      }
      queue_->Watch(i, *futures_[i].state());
    }
  }
  AsCompleted(AsCompleted&&) noexcept = default;
  AsCompleted& operator=(AsCompleted&&) noexcept = default;

  // The next result, or nothing after the last one.
  std::optional<Completion<T>> Next() {
    if (left_ == 0) return std::nullopt;
    std::optional<size_t> index = queue_->Next();
    if (!index) {
      for (Future<T>& future : futures_) future.Cancel();
      index = queue_->Take();
    }
    --left_;
    Completion<T> completion{*index, Take(futures_[*index])};
    futures_[*index].Detach();
    return completion;
  }
  // How many Next has still to give.
  size_t left() const { return left_; }

  Iterator begin() {
    current_ = Next();
    return Iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  // Not inline: GCC 12 sees a value where there is an error, and warns of it in the caller's code.
  [[gnu::noinline]] static ResultOf<T> Take(const Future<T>& future) {
    return future.state()->Take();
  }

  base::Ref<group::CompletionQueue> queue_;
  std::vector<Future<T>> futures_;
  size_t left_;
  std::optional<Completion<T>> current_;
};

}  // namespace drover

#endif  // DROVER_GROUP_AS_COMPLETED_H_
