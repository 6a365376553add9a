#include "drover/rpc/strand.h"

#include <algorithm>
#include <utility>

#include "drover/async/thread_context.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {
namespace {

constexpr int kCallsToPoolAfterBlocking = 8;

uint64_t ChainIdOf(const Strand::Item& item) { return item.call ? item.call->chain_id() : 0; }

}  // namespace

Strand::~Strand() = default;

bool Strand::Push(Item item) {
  base::MutexLock lock(&mu_);
  if (running_) {
    queue_.push_back(std::move(item));
    return false;
  }
  running_ = true;
  occupant_ = ChainIdOf(item);
  first_ = std::move(item);
  return true;
}

bool Strand::IsOccupiedBy(const std::vector<ChainLink>& chain) const {
  base::MutexLock lock(&mu_);
  const uint64_t occupant = occupant_;
  return occupant != 0 &&
         std::any_of(chain.begin(), chain.end(),
                     [occupant](const ChainLink& link) { return link.id == occupant; });
}

bool Strand::busy() const {
  base::MutexLock lock(&mu_);
  return running_;
}

void Strand::Post(async::Task task) {
  if (Push({.call = nullptr, .task = std::move(task)})) {
    RunOnPoolForSure(base::Ref<Work>::Share(this));
  }
}

void Strand::NoteInline(bool came_back) {
  if (!came_back) slow_.store(kCallsToPoolAfterBlocking, std::memory_order_relaxed);
}

void Strand::Run() {
  if (int slow = slow_.load(std::memory_order_relaxed); slow > 0) {
    slow_.store(slow - 1, std::memory_order_relaxed);
  }
  Item item = std::move(first_);
  do {
    RunItem(std::move(item));
  } while (Next(&item));
}

bool Strand::Next(Item* item) {
  base::MutexLock lock(&mu_);
  if (queue_.empty()) {
    running_ = false;
    occupant_ = 0;
    return false;
  }
  *item = std::move(queue_.front());
  occupant_ = ChainIdOf(*item);
  queue_.pop_front();
  return true;
}

void Strand::RunItem(Item item) {
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
  {
    base::MutexLock lock(&mu_);
    std::deque<Item> kept;
    queue_.push_front(std::move(first_));
    for (Item& item : queue_) (item.call ? refused : kept).push_back(std::move(item));
    queue_ = std::move(kept);
    continuations = running_ = !queue_.empty();
    if (continuations) {
      first_ = std::move(queue_.front());
      queue_.pop_front();
    }
    occupant_ = 0;  // only continuations are left
  }
  for (Item& item : refused) item.call->ReturnError(status);
  if (continuations) RunOnPoolForSure(base::Ref<Work>::Share(this));
}

}  // namespace drover::rpc
