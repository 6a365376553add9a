#include "drover/rpc/strand.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_context.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {
namespace {

absl::Status CycleError(const IncomingCall& call) {
  std::string way;
  for (const ChainLink& link : call.metadata()->chain) absl::StrAppend(&way, link.method, " -> ");
  return absl::FailedPreconditionError(absl::StrCat(
      "the call came back to an object that waits for it and would wait for ever: ", way,
      "this call; mark the method $Drover.concurrent if it may run meanwhile"));
}

uint64_t ChainIdOf(const Strand::Item& item) { return item.call ? item.call->chain_id() : 0; }

}  // namespace

Strand::~Strand() = default;

bool Strand::Push(Item item) {
  base::MutexLock lock(&mu_);
  return PushLocked(std::move(item));
}

bool Strand::PushLocked(Item item) {
  while (!Want()) {
    if (TryStart(item)) return true;
  }
  queue_.push_back(std::move(item));
  return false;
}

bool Strand::TryStart(Item& item) {
  State idle = State::kIdle;
  if (!state_.compare_exchange_strong(idle, State::kRunning, std::memory_order_acq_rel)) {
    return false;
  }
  occupant_.store(ChainIdOf(item), std::memory_order_relaxed);
  first_ = std::move(item);
  return true;
}

bool Strand::Want() {
  State running = State::kRunning;
  return state_.compare_exchange_strong(running, State::kWanted, std::memory_order_acq_rel) ||
         running == State::kWanted;
}

bool Strand::PushCall(base::Ref<IncomingCall> call, Deferred& deferred) {
  Item item{.call = std::move(call), .task = nullptr};
  if (TryStart(item)) return true;
  base::MutexLock lock(&mu_);
  if (waits_ == 0 || !ClosesCycle(*item.call)) return PushLocked(std::move(item));
  call = std::move(item.call);
  deferred.Then([call = std::move(call)] { call->ReturnError(CycleError(*call)); });
  return false;
}

bool Strand::ClosesCycle(const IncomingCall& call) const {
  const uint64_t occupant = occupant_.load(std::memory_order_relaxed);
  if (occupant == 0 || !call.metadata()) return false;
  const std::vector<ChainLink>& chain = call.metadata()->chain;
  return std::any_of(chain.begin(), chain.end(),
                     [occupant](const ChainLink& link) { return link.id == occupant; });
}

Strand::Pushed Strand::PushUnlessClosed(async::Task& task) {
  base::MutexLock lock(&mu_);
  if (closed_) return Pushed::kClosed;
  return PushLocked({.call = nullptr, .task = std::move(task)}) ? Pushed::kToRun : Pushed::kQueued;
}

bool Strand::CloseWhenIdle(async::Task& closed) {
  base::MutexLock lock(&mu_);
  closed_ = !Want();
  if (!closed_) on_closed_ = std::move(closed);
  return closed_;
}

// Before this a call that came back only stood in the queue: had the servant returned without
// waiting, as an async one does, it would have run.
void Strand::BeginWait() {
  std::vector<base::Ref<IncomingCall>> refused;
  {
    base::MutexLock lock(&mu_);
    if (waits_++ > 0) return;
    for (Item& item : queue_) {
      if (item.call && ClosesCycle(*item.call)) refused.push_back(std::move(item.call));
    }
    std::erase_if(queue_, [](const Item& item) { return !item.call && !item.task; });
  }
  for (const base::Ref<IncomingCall>& call : refused) call->ReturnError(CycleError(*call));
}

void Strand::EndWait() {
  base::MutexLock lock(&mu_);
  --waits_;
}

bool Strand::busy() const { return state_.load(std::memory_order_acquire) != State::kIdle; }

void Strand::Post(async::Task task) {
  if (Push({.call = nullptr, .task = std::move(task)})) {
    RunOnPoolForSure(base::Ref<Work>::Share(this));
  }
}

void Strand::Run() {
  Item item = std::move(first_);
  RunItem(item);
  while (Next(&item)) {
    // If the run has not been handed over, it was not for what ran first.
    async::InlineSlot* slot = async::ThreadContext::Current().slot;
    if (slot != nullptr && slot->LastRun().under_way) slot->set_subject(0);
    async::ThreadContext::Current().clock.Forget();  // and may not end with an answer
    RunItem(item);
  }
}

bool Strand::Next(Item* item) {
  occupant_.store(0, std::memory_order_relaxed);
  State running = State::kRunning;
  if (state_.compare_exchange_strong(running, State::kIdle, std::memory_order_acq_rel)) {
    return false;
  }
  async::Task on_closed;
  {
    base::MutexLock lock(&mu_);
    if (!queue_.empty()) {
      *item = TakeFirst();
      return true;
    }
    on_closed = BecomeIdle();
  }
  if (on_closed) on_closed();
  return false;
}

Strand::Item Strand::TakeFirst() {
  Item first = std::move(queue_.front());
  queue_.pop_front();
  occupant_.store(ChainIdOf(first), std::memory_order_relaxed);
  const bool wanted = !queue_.empty() || on_closed_;
  state_.store(wanted ? State::kWanted : State::kRunning, std::memory_order_release);
  return first;
}

async::Task Strand::BecomeIdle() {
  occupant_.store(0, std::memory_order_relaxed);
  if (on_closed_) closed_ = true;
  state_.store(State::kIdle, std::memory_order_release);
  return std::exchange(on_closed_, nullptr);
}

void Strand::RunItem(Item& item) {
  if (item.call) {
    async::UserCodeScope scope(this, &item.call->cancellation());
    item.call->Execute();
    item.call = nullptr;
  } else if (item.task) {
    async::UserCodeScope scope(this, nullptr);
    item.task();
    item.task = nullptr;
  }
}

void Strand::Reject(const absl::Status& status) {
  std::deque<Item> refused;
  bool continuations;
  async::Task on_closed;
  {
    base::MutexLock lock(&mu_);
    std::deque<Item> kept;
    queue_.push_front(std::move(first_));
    for (Item& item : queue_) (item.call ? refused : kept).push_back(std::move(item));
    queue_ = std::move(kept);
    continuations = !queue_.empty();
    if (continuations) {
      first_ = TakeFirst();
    } else {
      on_closed = BecomeIdle();
    }
  }
  for (Item& item : refused) item.call->ReturnError(status);
  if (continuations) RunOnPoolForSure(base::Ref<Work>::Share(this));
  if (on_closed) on_closed();
}

}  // namespace drover::rpc
