#include "drover/rpc/strand.h"

#include <utility>

#include "drover/async/thread_context.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/incoming_call.h"

namespace drover::rpc {
namespace {

constexpr int kCallsToPoolAfterBlocking = 8;

}  // namespace

Strand::~Strand() = default;

bool Strand::Push(Item item) {
  base::MutexLock lock(&mu_);
  if (running_) {
    queue_.push_back(std::move(item));
    return false;
  }
  running_ = true;
  first_ = std::move(item);
  return true;
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
    return false;
  }
  *item = std::move(queue_.front());
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
  }
  for (Item& item : refused) item.call->ReturnError(status);
  if (continuations) RunOnPoolForSure(base::Ref<Work>::Share(this));
}

}  // namespace drover::rpc
