#include "drover/object/call_binding.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/async/runtime.h"
#include "drover/async/timers.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/durable_capability.h"
#include "drover/rpc/outgoing_call.h"

namespace drover::object {
namespace {

// How often one call is sent again at most.
constexpr int kMostRetries = 4;

}  // namespace

// How a call that was lost is sent again.
struct CallBinding::Retries {
  base::Ref<rpc::DurableCapability> target;
  rpc::OutgoingCall call;  // with the params
  int left;
};

CallBinding::CallBinding() = default;

CallBinding::~CallBinding() {
  if (rpc::Connection* counted = counted_.load(std::memory_order_acquire); counted != nullptr) {
    counted->uncollected().fetch_sub(1, std::memory_order_relaxed);
  }
  if (first_.unattended.load(std::memory_order_acquire)) first_.connection->RemoveUnattended();
  for (Bound* bound = more_.load(std::memory_order_acquire); bound != nullptr;) {
    std::unique_ptr<Bound> gone(bound);
    if (gone->unattended.load(std::memory_order_acquire)) gone->connection->RemoveUnattended();
    bound = gone->next;
  }
}

void CallBinding::OnSent(base::Ref<rpc::Connection> connection, rpc::QuestionId question) {
  Bound* bound = &first_;
  if (awaited_by_ == &async::ThreadContext::Current() && !may_be_sent_again_) {
    first_.connection = std::move(connection);
    first_.question = question;
    bound_.store(&first_, std::memory_order_release);
    return;
  }
  const bool again = sent_.exchange(true, std::memory_order_acq_rel);
  if (again) {
    bound = new Bound;
    bound->next = more_.load(std::memory_order_relaxed);
    while (!more_.compare_exchange_weak(bound->next, bound, std::memory_order_acq_rel)) {
    }
  }
  bound->connection = std::move(connection);
  bound->question = question;
  Publish(bound);
  if (stop_requested_.load(std::memory_order_seq_cst)) StopBound();
  // Whoever waits does so where the call was before.
  if (again || left_.load(std::memory_order_seq_cst)) LeaveBoundToRuntime(*bound);
}

// The thread that sent the call first may come here only after another one has sent it again.
void CallBinding::Publish(Bound* bound) {
  Bound* before = bound_.load(std::memory_order_seq_cst);
  while (before == nullptr || !before->connection->open()) {
    if (bound_.compare_exchange_weak(before, bound, std::memory_order_seq_cst)) return;
  }
}

void CallBinding::OnStarted(base::Ref<rpc::IncomingCall> call) {
  call_ = std::move(call);
  started_.store(call_.get(), std::memory_order_seq_cst);
  if (stop_requested_.load(std::memory_order_seq_cst)) StopBound();
}

void CallBinding::Drive(async::FutureCore& core, absl::Time deadline) {
  Bound* bound = bound_.load(std::memory_order_acquire);
  if (bound != nullptr) bound->connection->Drive(core, deadline);
}

void CallBinding::Stop() {
  stop_requested_.store(true, std::memory_order_seq_cst);
  StopBound();
}

void CallBinding::LeaveToRuntime() {
  left_.store(true, std::memory_order_seq_cst);
  Bound* bound = bound_.load(std::memory_order_seq_cst);
  if (bound != nullptr) LeaveBoundToRuntime(*bound);
}

void CallBinding::LeaveBoundToRuntime(Bound& bound) {
  if (!bound.unattended.exchange(true, std::memory_order_acq_rel))
    bound.connection->AddUnattended();
}

void CallBinding::StopBound() {
  if (Bound* bound = bound_.load(std::memory_order_seq_cst); bound != nullptr) {
    bound->connection->CancelQuestion(bound->question, this);
  } else if (rpc::IncomingCall* call = started_.load(std::memory_order_seq_cst); call != nullptr) {
    call->CancelByCaller();
  }
}

base::Ref<rpc::Capability> CallBinding::PipelineOnWire(const rpc::PipelinePath& path,
                                                       base::Ref<base::RefCounted> hold) {
  Bound* bound = bound_.load(std::memory_order_acquire);
  if (bound == nullptr) return nullptr;
  return bound->connection->Pipeline(bound->question, this, path, [hold = std::move(hold)] {});
}

void CallBinding::SetDeadline(absl::Time deadline, std::string name) {
  deadline_ = deadline;
  allowed_ = deadline - absl::Now();
  name_ = std::move(name);
}

void CallBinding::StartTimer(base::Ref<async::FutureCore> core) {
  async::Timers& timers = Runtime::Default().timers();
  timer_ = timers.Add(deadline_, [this, core] { Expire(*core); });
  if (core->ready()) StopTimer();  // answered meanwhile
}

void CallBinding::StopTimer() {
  if (timer_.load(std::memory_order_acquire) == 0) return;  // none was started, yet
  if (const uint64_t timer = timer_.exchange(0); timer != 0) {
    Runtime::Default().timers().Remove(timer);
  }
}

void CallBinding::ExpireIfDue(async::FutureCore& core) {
  if (deadline_ != absl::InfiniteFuture() && absl::Now() >= deadline_) Expire(core);
}

void CallBinding::Expire(async::FutureCore& core) {
  Bound* bound = bound_.load(std::memory_order_acquire);
  const std::string where = bound != nullptr ? " at " + bound->connection->name() : "";
  core.CancelWith(absl::DeadlineExceededError(
      absl::StrCat(name_, where, ": no answer within ", absl::FormatDuration(allowed_))));
}

void CallBinding::NoteAnswer() {
  if (awaited_by_ != nullptr) return;  // it is collected at once
  Bound* bound = bound_.load(std::memory_order_acquire);
  if (bound == nullptr) return;
  bound->connection->uncollected().fetch_add(1, std::memory_order_relaxed);
  counted_.store(bound->connection.get(), std::memory_order_release);
}

void CallBinding::KeepForRetry(rpc::Capability* target, rpc::OutgoingCall& call) {
  if (target == nullptr || target->kind() != rpc::Capability::Kind::kDurable) return;
  auto& durable = static_cast<rpc::DurableCapability&>(*target);
  if (!durable.retry_budget().enabled()) return;
  retries_ = std::make_unique<Retries>(
      Retries{base::Ref<rpc::DurableCapability>::Share(&durable), call.Copy(), kMostRetries});
  may_be_sent_again_ = true;
}

void CallBinding::EndRetries(bool answered) {
  if (retries_ == nullptr) return;
  if (answered) retries_->target->retry_budget().Answered();
  retries_ = nullptr;
}

bool CallBinding::Retry() {
  if (retries_ == nullptr || Abandoned()) return false;
  if (!retries_->target->retry_budget().Lost() || retries_->left == 0) return false;
  --retries_->left;
  auto self = base::Ref<rpc::ReturnHandler>::Share(this);
  retries_->target->SendLater(retries_->call.Copy(), std::move(self));
  return true;
}

}  // namespace drover::object
