// What All and Race have in common: futures that somebody else waits for, watched as they complete
// and cancelled together. Thread-safe; reference-counted, and kept alive by the futures that are
// not complete.
#ifndef DROVER_GROUP_FUTURE_SET_H_
#define DROVER_GROUP_FUTURE_SET_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/async/runtime.h"
#include "drover/async/thread_pool.h"
#include "drover/base/ref.h"

namespace drover::group {

template <class T>
class FutureSet : public base::RefCounted {
 public:
  size_t size() const { return states_.size(); }
  async::FutureState<T>& state(size_t i) const { return *states_[i]; }

  // Calls OnComplete for each future from now on.
  void Begin() {
    for (size_t i = 0; i < states_.size(); ++i) {
      states_[i]->Observe([self = Self(), i] { self->OnComplete(i); });
    }
  }
  void CancelAll() {
    for (const base::Ref<async::FutureState<T>>& state : states_) state->Cancel();
  }

 protected:
  explicit FutureSet(std::vector<Future<T>> futures) {
    states_.reserve(futures.size());
    for (Future<T>& future : futures) {
      if (!future.valid()) {
        future = Future<T>(absl::FailedPreconditionError("a future without work"));
      }
      states_.push_back(future.state());
      future.Detach();
    }
  }

  // Once for each future, on the thread that completes it: no user code, no blocking.
  virtual void OnComplete(size_t i) = 0;

  // CancelAll, on the pool: it may run what users gave to Promise::OnCancel.
  void CancelAllSoon() {
    async::CurrentPool().Post([self = Self()] { self->CancelAll(); });
  }

 private:
  base::Ref<FutureSet> Self() { return base::Ref<FutureSet>::Share(this); }

  std::vector<base::Ref<async::FutureState<T>>> states_;  // not changed any more
};

}  // namespace drover::group

#endif  // DROVER_GROUP_FUTURE_SET_H_
