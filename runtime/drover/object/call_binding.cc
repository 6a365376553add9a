#include "drover/object/call_binding.h"

#include <utility>

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

void CallBinding::NoteAnswer() {
  if (state_.load(std::memory_order_acquire) != kSent) return;
  connection_->uncollected().fetch_add(1, std::memory_order_relaxed);
  counted_.store(true, std::memory_order_release);
}

}  // namespace drover::object
