#include "drover/object/call_binding.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/async/runtime.h"
#include "drover/async/timers.h"
#include "drover/rpc/connection.h"

namespace drover::object {

CallBinding::CallBinding() = default;

CallBinding::~CallBinding() {
  if (counted_.load(std::memory_order_acquire)) {
    connection_->uncollected().fetch_sub(1, std::memory_order_relaxed);
  }
  if (unattended_.load(std::memory_order_acquire)) connection_->RemoveUnattended();
}

void CallBinding::OnSent(base::Ref<rpc::Connection> connection, rpc::QuestionId question) {
  connection_ = std::move(connection);
  question_ = question;
  state_.store(kSent, std::memory_order_seq_cst);
  if (stop_requested_.load(std::memory_order_seq_cst)) StopBound();
  if (left_.load(std::memory_order_seq_cst)) LeaveBoundToRuntime();
}

void CallBinding::OnStarted(base::Ref<rpc::IncomingCall> call) {
  call_ = std::move(call);
  state_.store(kStarted, std::memory_order_seq_cst);
  if (stop_requested_.load(std::memory_order_seq_cst)) StopBound();
}

void CallBinding::Drive(async::FutureCore& core, absl::Time deadline) {
  if (state_.load(std::memory_order_acquire) == kSent) connection_->Drive(core, deadline);
}

void CallBinding::Stop() {
  stop_requested_.store(true, std::memory_order_seq_cst);
  StopBound();
}

void CallBinding::LeaveToRuntime() {
  left_.store(true, std::memory_order_seq_cst);
  if (state_.load(std::memory_order_seq_cst) == kSent) LeaveBoundToRuntime();
}

void CallBinding::LeaveBoundToRuntime() {
  if (!unattended_.exchange(true, std::memory_order_acq_rel)) connection_->AddUnattended();
}

void CallBinding::StopBound() {
  switch (state_.load(std::memory_order_seq_cst)) {
    case kSent:
      connection_->CancelQuestion(question_, this);
      break;
    case kStarted:
      call_->Cancel();
      break;
    default:
      break;
  }
}

base::Ref<rpc::Capability> CallBinding::PipelineOnWire(const rpc::PipelinePath& path,
                                                       base::Ref<base::RefCounted> hold) {
  if (state_.load(std::memory_order_acquire) != kSent) return nullptr;
  return connection_->Pipeline(question_, this, path, [hold = std::move(hold)] {});
}

void CallBinding::SetDeadline(absl::Time deadline, std::string name) {
  deadline_ = deadline;
  allowed_ = deadline - absl::Now();
  name_ = std::move(name);
}

void CallBinding::StartTimer(base::Ref<async::FutureCore> core) {
  async::Timers& timers = Runtime::Default().timers();
  timer_ = timers.Add(deadline_, [this, core] { ExpireIfDue(*core); });
  if (core->ready()) StopTimer();  // answered meanwhile
}

void CallBinding::StopTimer() {
  if (const uint64_t timer = timer_.exchange(0); timer != 0) {
    Runtime::Default().timers().Remove(timer);
  }
}

void CallBinding::ExpireIfDue(async::FutureCore& core) {
  if (deadline_ == absl::InfiniteFuture() || absl::Now() < deadline_) return;
  const bool sent = state_.load(std::memory_order_acquire) == kSent;
  core.CancelWith(absl::DeadlineExceededError(
      absl::StrCat(name_, sent ? " at " + connection_->name() : "", ": no answer within ",
                   absl::FormatDuration(allowed_))));
}

void CallBinding::NoteAnswer() {
  if (state_.load(std::memory_order_acquire) != kSent) return;
  connection_->uncollected().fetch_add(1, std::memory_order_relaxed);
  counted_.store(true, std::memory_order_release);
}

}  // namespace drover::object
