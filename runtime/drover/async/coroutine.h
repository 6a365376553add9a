// C++20 coroutines over Future<T>: a function that returns one may co_await others.
//
//   drover::Future<uint32_t> Sum(race::WorkerProxy::Async a, race::WorkerProxy::Async b) {
//     auto first = a.Calculate();                       // both calls are on their way
//     auto second = b.Calculate();
//     absl::StatusOr<uint32_t> x = co_await std::move(first);
//     absl::StatusOr<uint32_t> y = co_await std::move(second);
//     ...
//     co_return *x + *y;                                // or co_return an absl::Status
//   }
//
// The body starts at once on the caller's thread and goes on, after a wait, where continuations of
// its caller belong (Future::Then). Parameters are taken by value: references may not outlive the
// first co_await. Cancelling or dropping its future cancels what the body awaits, then and later:
// the co_await gives Cancelled, and the body goes on from there. Included by future.h.
#ifndef DROVER_ASYNC_COROUTINE_H_
#define DROVER_ASYNC_COROUTINE_H_

#include <coroutine>
#include <utility>

#include "drover/async/future.h"

namespace drover::async {

template <class T>
class FutureAwaiter {
 public:
  explicit FutureAwaiter(base::Ref<FutureState<T>> state) : state_(std::move(state)) {}
  FutureAwaiter(FutureAwaiter&&) = default;
  ~FutureAwaiter() {
    if (state_ && !state_->ready()) state_->Abandon();  // the coroutine is dropped while it waits
  }
  bool await_ready() const { return !state_ || state_->ready(); }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> caller) {
    // The coroutine may be running elsewhere, and this awaiter gone, once the task is accepted.
    base::Ref<FutureState<T>> state = state_;
    if constexpr (requires { caller.promise().OnCancel(Task()); }) {
      caller.promise().OnCancel([state] { state->Cancel(); });
    }
    Task task = [caller] { caller.resume(); };
    return state->OnReadyUnlessReady(task);
  }
  ResultOf<T> await_resume() {
    if (!state_) return absl::FailedPreconditionError("co_await of a future without work");
    return state_->Take();
  }

 private:
  base::Ref<FutureState<T>> state_;
};

template <class T>
class CoroutinePromise {
 public:
  Future<T> get_return_object() { return promise_.future(); }
  std::suspend_never initial_suspend() noexcept { return {}; }
  std::suspend_never final_suspend() noexcept { return {}; }
  void return_value(ResultOf<T> result) { promise_.Set(std::move(result)); }
  void OnCancel(Task task) { promise_.OnCancel(std::move(task)); }
  void unhandled_exception() { promise_.Set(absl::InternalError("an exception left a coroutine")); }

 private:
  Promise<T> promise_;
};

}  // namespace drover::async

namespace drover {

template <class T>
async::FutureAwaiter<T> Future<T>::operator co_await() && {
  return async::FutureAwaiter<T>(std::move(state_));
}

}  // namespace drover

#endif  // DROVER_ASYNC_COROUTINE_H_
