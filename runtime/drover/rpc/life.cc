#include "drover/rpc/life.h"

#include <utility>

namespace drover::rpc {

void Life::End(const absl::Status& why) {
  std::vector<State> waiting;
  {
    base::MutexLock lock(&mu_);
    if (end_) return;
    end_ = why;
    waiting.swap(waiting_);
    over_.store(true, std::memory_order_release);
  }
  for (State& state : waiting) state->Complete(why);
}

Future<void> Life::AwaitEnd() {
  State state = base::MakeRef<async::FutureState<void>>();
  Future<void> future(state);
  Add({std::move(state)});
  return future;
}

void Life::Join(Life& other) {
  std::vector<State> waiting;
  {
    base::MutexLock lock(&mu_);
    waiting.swap(waiting_);
  }
  if (!waiting.empty()) other.Add(std::move(waiting));
}

void Life::Add(std::vector<State> states) {
  absl::Status end;
  {
    base::MutexLock lock(&mu_);
    if (!end_) {
      std::erase_if(waiting_, [](const State& state) { return state->ready(); });  // dropped ones
      waiting_.insert(waiting_.end(), states.begin(), states.end());
      return;
    }
    end = *end_;
  }
  for (State& state : states) state->Complete(end);
}

}  // namespace drover::rpc
