// The result of work that may not be done yet.
//
//   drover::Future<uint32_t> answer = worker.async().Calculate();
//   ...
//   absl::StatusOr<uint32_t> seconds = answer.Get();
//
// Future<void> gives an absl::Status, every other Future<T> an absl::StatusOr<T>.
//
// Thread-safety: thread-compatible, and may be moved to any thread.
// Ownership: move-only. Dropping a future whose result is not there cancels the work, on the server
// too where it is a call; Detach() lets it go on, and so does what Pipeline() gave.
// Errors: those of the work; Cancelled after Cancel(), or if the call whose servant waits here is
// itself cancelled.
// Blocking: Get and WaitUntil block, and are safe from a servant; everything else returns at once.
#ifndef DROVER_ASYNC_FUTURE_H_
#define DROVER_ASYNC_FUTURE_H_

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "drover/async/future_core.h"
#include "drover/base/ref.h"

namespace drover {

template <class T>
class Future;
template <class T>
class Promise;
// What Future<T>::Pipeline() gives: defined by generated code, and in object/pipeline.h for
// proxies.
template <class T>
struct PipelineTraits;

// What a Future<T> gives: absl::Status for void, absl::StatusOr<T> otherwise.
template <class T>
using ResultOf = std::conditional_t<std::is_void_v<T>, absl::Status, absl::StatusOr<T>>;

namespace async {

// The state shared by a Future<T> and whoever completes it.
template <class T>
class FutureState : public FutureCore {
 public:
  // The first result counts; later ones are dropped.
  void Complete(ResultOf<T> result) {
    if (!ClaimCompletion()) return;
    result_.emplace(std::move(result));
    MarkReady();
  }
  ResultOf<T> Take() { return *std::move(result_); }
  const ResultOf<T>& Peek() const { return *result_; }

 protected:
  void CompleteWithError(absl::Status status) override { Complete(std::move(status)); }

 private:
  std::optional<ResultOf<T>> result_;
};

// What a continuation returns, as the T of a Future<T>.
template <class R>
struct UnwrapResult {
  using Type = R;
};
template <>
struct UnwrapResult<absl::Status> {
  using Type = void;
};
template <class T>
struct UnwrapResult<absl::StatusOr<T>> {
  using Type = T;
};

template <class T>
class FutureAwaiter;
template <class T>
class CoroutinePromise;

}  // namespace async

template <class T>
class [[nodiscard]] Future {
 public:
  using ValueType = T;
  using promise_type = async::CoroutinePromise<T>;

  // A future without work: Get gives FailedPrecondition.
  Future() = default;
  // A future whose result is there.
  Future(ResultOf<T> result)  // NOLINT: a result is a future that needs no waiting
      : state_(base::MakeRef<async::FutureState<T>>()) {
    state_->Complete(std::move(result));
  }
  Future(absl::Status error)  // NOLINT: likewise
      requires(!std::is_void_v<T>)
      : Future(ResultOf<T>(std::move(error))) {}
  explicit Future(base::Ref<async::FutureState<T>> state) : state_(std::move(state)) {}

  Future(Future&&) noexcept = default;
  Future& operator=(Future&& other) noexcept {
    Abandon();
    state_ = std::move(other.state_);
    return *this;
  }
  ~Future() { Abandon(); }

  bool valid() const { return static_cast<bool>(state_); }
  // Whether the result is there.
  bool ready() const { return state_ && state_->ready(); }

  // Waits for the result and gives it; the future is empty afterwards.
  ResultOf<T> Get() {
    if (!state_) return absl::FailedPreconditionError("Get() of a future without work");
    base::Ref<async::FutureState<T>> state = std::move(state_);
    if (state->ready()) {
      async::NoteCollected();
    } else {
      state->Wait();
    }
    return state->Take();
  }

  // Waits for the result until `deadline`; returns whether it is there. The work goes on.
  bool WaitUntil(absl::Time deadline) {
    return !state_ || state_->ready() || state_->WaitUntil(deadline);
  }
  bool WaitFor(absl::Duration timeout) { return WaitUntil(absl::Now() + timeout); }

  // Asks the work to stop; the future completes with Cancelled unless the result is there.
  void Cancel() {
    if (state_) state_->Cancel();
  }

  // Lets the work go on without anybody waiting for it.
  void Detach() { state_ = nullptr; }

  // Calls `f` with the result: at once if it is there, otherwise on a thread of the pool (in a
  // servant: in that servant's turn, so a method that itself blocks until its continuation has run
  // waits for ever), never on a thread that drives I/O. Returns a future of what `f` returns;
  // cancelling or dropping that cancels this work, and `f` is called with Cancelled.
  template <class F>
  auto Then(
      F f) && -> Future<typename async::UnwrapResult<std::invoke_result_t<F, ResultOf<T>>>::Type>;

  async::FutureAwaiter<T> operator co_await() &&;

  // The objects inside the result, to be called before it is there: for a proxy FooProxy a
  // FooProxy::Async, for a generated struct that holds proxies a class with an accessor for each.
  //
  //   drover::Future<bool> started = garage.async().GetCar().Pipeline().engine().Start();
  //
  // The future stays usable. What was made so keeps the work going when the future is dropped; with
  // the last of it the work is cancelled. Calls give the error of the work if it fails, and
  // InvalidArgument if there turns out to be no object. Never blocks.
  template <class U = T>
  typename PipelineTraits<U>::Type Pipeline() const {
    return PipelineTraits<U>::Of(state_);
  }

  // For combinators; the state may be null.
  const base::Ref<async::FutureState<T>>& state() const { return state_; }

 private:
  void Abandon() {
    if (state_ && !state_->ready()) state_->Abandon();
  }

  base::Ref<async::FutureState<T>> state_;
};

// The other end of a future that is completed by hand.
//
//   drover::Promise<int> promise;
//   drover::Future<int> future = promise.future();
//   promise.Set(7);
//
// Thread-compatible, move-only. Dropping it unset completes the future with Aborted.
template <class T>
class Promise {
 public:
  Promise() : state_(base::MakeRef<async::FutureState<T>>()) {}
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&&) noexcept = default;
  ~Promise() {
    if (state_) state_->Complete(absl::AbortedError("the promise was dropped without a result"));
  }

  // To be taken once.
  Future<T> future() { return Future<T>(state_); }
  // Whoever waits for the future may destroy this promise before Set() returns.
  void Set(ResultOf<T> result) {
    const base::Ref<async::FutureState<T>> state = state_;
    state->Complete(std::move(result));
  }
  // Runs `f` if the future is cancelled or dropped before it is complete, on the thread that does
  // that (on this one, if it has been). The future completes by itself; `f` only stops the work.
  // The last `f` counts.
  void OnCancel(async::Task f) { state_->OnCancel(std::move(f)); }

 private:
  base::Ref<async::FutureState<T>> state_;
};

template <class T>
template <class F>
auto Future<T>::Then(
    F f) && -> Future<typename async::UnwrapResult<std::invoke_result_t<F, ResultOf<T>>>::Type> {
  using R = std::invoke_result_t<F, ResultOf<T>>;
  using U = typename async::UnwrapResult<R>::Type;
  Promise<U> promise;
  Future<U> next = promise.future();
  base::Ref<async::FutureState<T>> state = std::move(state_);
  if (!state) {
    promise.Set(absl::FailedPreconditionError("Then() of a future without work"));
    return next;
  }
  promise.OnCancel([state] { state->Cancel(); });
  async::Task step = [state, f = std::move(f), promise = std::move(promise)]() mutable {
    if constexpr (std::is_void_v<R>) {
      f(state->Take());
      promise.Set(absl::OkStatus());
    } else {
      promise.Set(f(state->Take()));
    }
  };
  state->OnReady(std::move(step));
  return next;
}

}  // namespace drover

#include "drover/async/coroutine.h"  // IWYU pragma: export

#endif  // DROVER_ASYNC_FUTURE_H_
