// A place where servants wait until the test lets them go on.
//
//   Gate gate;                                   // the servant has a copy: return gate.Pass();
//   auto answer = cook.async().Wait();
//   gate.AwaitArrivals(1);                       // the call is in the servant now
//   gate.Open();
//
// Thread-safe; copies are the same gate. Pass and the Await methods block.
#ifndef DROVER_TESTS_SUPPORT_GATE_H_
#define DROVER_TESTS_SUPPORT_GATE_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/base/mutex.h"

namespace drover::testing_support {

class Gate {
 public:
  // Waits until the gate is open; Cancelled if the call whose servant waits here is cancelled
  // first.
  absl::Status Pass() {
    State& s = *state_;
    Promise<void> promise;
    Future<void> opened = promise.future();
    {
      base::MutexLock lock(&s.mu);
      ++s.arrived;
      s.changed.SignalAll();
      if (s.open) return absl::OkStatus();
      s.waiting.push_back(std::move(promise));
    }
    absl::Status status = opened.Get();
    base::MutexLock lock(&s.mu);
    if (!status.ok()) ++s.cancelled;
    s.changed.SignalAll();
    return status;
  }

  // Waits until so many have come, since the gate was made.
  void AwaitArrivals(int count) {
    State& s = *state_;
    base::MutexLock lock(&s.mu);
    while (s.arrived < count) s.changed.Wait(&s.mu);
  }
  // Waits until so many have been cancelled.
  void AwaitCancellations(int count) {
    State& s = *state_;
    base::MutexLock lock(&s.mu);
    while (s.cancelled < count) s.changed.Wait(&s.mu);
  }
  int arrivals() {
    State& s = *state_;
    base::MutexLock lock(&s.mu);
    return s.arrived;
  }

  // Lets everybody through, now and from now on.
  void Open() {
    std::vector<Promise<void>> waiting;
    {
      State& s = *state_;
      base::MutexLock lock(&s.mu);
      s.open = true;
      waiting.swap(s.waiting);
    }
    for (Promise<void>& promise : waiting) promise.Set(absl::OkStatus());
  }

 private:
  struct State {
    base::Mutex mu;
    base::CondVar changed;
    bool open ABSL_GUARDED_BY(mu) = false;
    int arrived ABSL_GUARDED_BY(mu) = 0;
    int cancelled ABSL_GUARDED_BY(mu) = 0;
    std::vector<Promise<void>> waiting ABSL_GUARDED_BY(mu);
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_GATE_H_
