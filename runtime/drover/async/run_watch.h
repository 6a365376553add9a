// Whether a method blocks while it runs on the pool, where no monitor watches it.
//
//   RunWatch watch(predictor, key);     // null: does nothing
//   ... the servant's code, and nothing else ...
//
// Notes when it is destroyed. Belongs to the thread that made it.
#ifndef DROVER_ASYNC_RUN_WATCH_H_
#define DROVER_ASYNC_RUN_WATCH_H_

#include <cstdint>

#include "drover/async/dispatch_predictor.h"
#include "drover/async/steady_clock.h"
#include "drover/async/thread_context.h"

namespace drover::async {

class RunWatch {
 public:
  // As long as the monitor lets an inline run take, about.
  static constexpr int64_t kQuickNanos = 300'000;

  RunWatch(DispatchPredictor* predictor, DispatchPredictor::Key key)
      : predictor_(predictor), key_(key) {
    if (predictor_ == nullptr) return;
    waits_ = ThreadContext::Current().waits;
    began_ = SteadyNanos();
  }
  ~RunWatch() {
    if (predictor_ != nullptr) Note();
  }
  RunWatch(const RunWatch&) = delete;
  RunWatch& operator=(const RunWatch&) = delete;

 private:
  void Note() {
    const bool blocked =
        ThreadContext::Current().waits != waits_ || SteadyNanos() - began_ > kQuickNanos;
    predictor_->Note(key_, blocked ? Outcome::kBlocked : Outcome::kQuick);
  }

  DispatchPredictor* const predictor_;
  const DispatchPredictor::Key key_;
  uint32_t waits_ = 0;
  int64_t began_ = 0;
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_RUN_WATCH_H_
