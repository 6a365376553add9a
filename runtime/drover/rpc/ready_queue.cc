#include "drover/rpc/ready_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/steady_clock.h"
#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/async/timer_set.h"

namespace drover::rpc {
namespace {

constexpr int64_t kNever = async::TimerSet::kNever;

}  // namespace

ReadyQueue::ReadyQueue(Runtime& runtime, const ReadyOptions& options)
    : runtime_(runtime),
      options_(options),
      backoff_(options.backoff),
      random_(std::random_device()()) {}

void ReadyQueue::Send(base::Ref<ReadySource> owner, OutgoingCall call,
                      base::Ref<ReturnHandler> handler) {
  base::Ref<Capability> front;
  {
    base::MutexLock lock(&mu_);
    if (state_ == State::kIdle) front = owner->Ready();
    if (!front) {
      int64_t deadline = kNever;
      if (options_.timeout < absl::Hours(24 * 365)) {
        deadline = async::SteadyNanos() + absl::ToInt64Nanoseconds(options_.timeout);
      }
      waiting_.push_back({std::move(call), std::move(handler), deadline});
      if (state_ == State::kIdle) {
        state_ = State::kTrying;
        owner_ = std::move(owner);
        reactor_id_ = runtime_.reactor().Register(base::Ref<ReadyQueue>::Share(this));
        runtime_.pool().Post([self = base::Ref<ReadyQueue>::Share(this)] { self->Try(); });
      }
      if (deadline != kNever) runtime_.reactor().CallAt(reactor_id_, deadline);
      return;
    }
  }
  call.TargetFrom(std::move(front))->Send(std::move(call), std::move(handler));
}

void ReadyQueue::Try() {
  async::ThreadPool::NotBusy not_busy(runtime_.pool());
  base::Ref<ReadySource> owner;
  {
    base::MutexLock lock(&mu_);
    owner = owner_;
  }
  absl::StatusOr<base::Ref<Capability>> front = absl::UnknownError("");
  {
    async::BlockingScope blocking;
    front = owner->MakeReady();
  }
  if (front.ok()) {
    LetGo(*std::move(front), *owner);
  } else if (owner->WorthWaiting(front.status())) {
    Pause(front.status());
  } else {
    FailAll(front.status());
  }
}

void ReadyQueue::LetGo(base::Ref<Capability> front, ReadySource& owner) {
  for (bool first = true;; first = false) {
    base::Ref<ReadySource> dropped;
    {
      base::MutexLock lock(&mu_);
      backoff_.Reset();
      if (waiting_.empty()) dropped = GoIdle();
    }
    if (dropped) return;
    // Those that came while the others left must not follow them to a server that is gone.
    if (!first) front = owner.Ready();
    if (!front) {
      runtime_.pool().Post([self = base::Ref<ReadyQueue>::Share(this)] { self->Try(); });
      return;
    }
    std::deque<Waiting> leaving;
    {
      base::MutexLock lock(&mu_);
      leaving.swap(waiting_);
    }
    for (Waiting& waiting : leaving) {
      if (waiting.handler->Abandoned()) continue;
      waiting.call.TargetFrom(front)->Send(std::move(waiting.call), std::move(waiting.handler));
    }
  }
}

void ReadyQueue::FailAll(const absl::Status& status) {
  std::deque<Waiting> failing;
  base::Ref<ReadySource> dropped;
  {
    base::MutexLock lock(&mu_);
    failing.swap(waiting_);
    dropped = GoIdle();
  }
  for (Waiting& waiting : failing) waiting.handler->OnUnreachable(status);
}

void ReadyQueue::Pause(const absl::Status& failure) {
  base::MutexLock lock(&mu_);
  failure_ = failure;
  state_ = State::kPausing;
  const double uniform = std::uniform_real_distribution<double>(0, 1)(random_);
  next_ = async::SteadyNanos() + absl::ToInt64Nanoseconds(backoff_.Next(uniform));
  runtime_.reactor().CallAt(reactor_id_, std::min(next_, NextDeadline()));
}

void ReadyQueue::OnTimer() {
  std::vector<Waiting> overdue;
  base::Ref<ReadySource> dropped;
  absl::Status failure;
  {
    base::MutexLock lock(&mu_);
    if (state_ == State::kIdle) return;
    failure = failure_;
    const int64_t now = async::SteadyNanos();
    overdue = TakeOverdue(now);
    if (state_ == State::kPausing) {
      if (waiting_.empty()) {
        dropped = GoIdle();
      } else if (now >= next_) {
        state_ = State::kTrying;
        runtime_.pool().Post([self = base::Ref<ReadyQueue>::Share(this)] { self->Try(); });
      }
    }
    int64_t again = state_ == State::kIdle ? kNever : NextDeadline();
    if (state_ == State::kPausing) again = std::min(again, next_);
    if (again != kNever) runtime_.reactor().CallAt(reactor_id_, again);
  }
  EndOverdue(std::move(overdue), failure);
}

std::vector<ReadyQueue::Waiting> ReadyQueue::TakeOverdue(int64_t now) {
  std::vector<Waiting> overdue;
  std::deque<Waiting> kept;
  for (Waiting& waiting : waiting_) {
    if (waiting.deadline <= now || waiting.handler->Abandoned()) {
      overdue.push_back(std::move(waiting));
    } else {
      kept.push_back(std::move(waiting));
    }
  }
  waiting_ = std::move(kept);
  return overdue;
}

void ReadyQueue::EndOverdue(std::vector<Waiting> overdue, const absl::Status& failure) {
  if (overdue.empty()) return;
  const absl::Status status = absl::UnavailableError(
      absl::StrCat("the server was not ready within ", absl::FormatDuration(options_.timeout), ": ",
                   failure.ok() ? "dialling takes longer" : std::string(failure.message())));
  for (Waiting& waiting : overdue) {
    if (!waiting.handler->Abandoned()) waiting.handler->OnUnreachable(status);
  }
}

int64_t ReadyQueue::NextDeadline() {
  int64_t next = kNever;
  for (const Waiting& waiting : waiting_) next = std::min(next, waiting.deadline);
  return next;
}

base::Ref<ReadySource> ReadyQueue::GoIdle() {
  state_ = State::kIdle;
  failure_ = absl::OkStatus();
  runtime_.reactor().Unregister(reactor_id_);
  return std::move(owner_);
}

}  // namespace drover::rpc
