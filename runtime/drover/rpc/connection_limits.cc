// What a peer may cost: see limits.h.
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_pool.h"
#include "drover/rpc/connection.h"

namespace drover::rpc {
void Connection::Overstep(std::string why) {
  if (!state_.overstep.ok()) return;
  state_.overstep = absl::ResourceExhaustedError(std::move(why));
  overstepped_.store(true, std::memory_order_release);
}

bool Connection::EndIfOverstepped() {
  if (!overstepped_.exchange(false, std::memory_order_acq_rel)) return false;
  Abort(WithLock([](ConnectionState& s) { return s.overstep; }));
  return true;
}

absl::Status Connection::CheckExports() {
  if (state_.ExportsFit(terms_->limits)) return absl::OkStatus();
  if (state_.fds.size() > ConnectionState::kMostFdsSent) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the message carries ", state_.fds.size(),
        " descriptors; the most that are sent with one is ", ConnectionState::kMostFdsSent));
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("the peer would hold more than ", terms_->limits.max_exports,
                   " objects of this process (limits.max_exports)"));
}

absl::Status Connection::CheckBacklog() {
  if (state_.BacklogFits(terms_->limits)) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      state_.unwritten() + state_.held_call_bytes,
      " bytes wait to be read at the other end of the connection to ", name(), "; the limit is ",
      terms_->limits.max_queued_bytes, " (limits.max_queued_bytes)"));
}

absl::Status Connection::AdmitCall(IncomingCall& call) {
  if (!state_.overstep.ok()) return state_.overstep;
  if (state_.running_calls > terms_->limits.max_calls_in_flight) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the connection has ", terms_->limits.max_calls_in_flight,
                     " calls in flight, which is its limit (limits.max_calls_in_flight)"));
  }
  const size_t bytes = call.message_bytes();
  if (state_.call_bytes > 0 && state_.call_bytes + bytes > terms_->limits.max_call_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the calls in flight of the connection take ", state_.call_bytes, " bytes and this one ",
        bytes, "; the limit is ", terms_->limits.max_call_bytes, " (limits.max_call_bytes)"));
  }
  absl::Status backlog = CheckBacklog();
  if (backlog.ok()) {
    call.counted_bytes = bytes;
    state_.call_bytes += bytes;
  }
  return backlog;
}

// Whoever lets go of a call may hold any lock.
void Connection::UncountCall(size_t bytes) {
  if (!open() || InForkedChild()) return;
  runtime_.pool().Post([self = base::Ref<Connection>::Share(this), bytes] {
    base::MutexLock lock(&self->mu_);
    if (self->state_.open()) self->state_.call_bytes -= bytes;
  });
}

void Connection::NoteBacklog() {
  const size_t limit = terms_->limits.max_queued_bytes;
  if (state_.unwritten() / 2 <= limit) return;
  Overstep(absl::StrCat(state_.unwritten(),
                        " bytes wait for a peer that does not read them; the limit is twice ",
                        limit, " (limits.max_queued_bytes)"));
}

void Connection::HoldAnswer(Answer& answer) {
  answer.held_bytes = Limits::kAnswerBytes;
  if (answer.results != nullptr) {
    answer.held_bytes += answer.results->FrameBytes();
  }
  state_.held_bytes += answer.held_bytes;
  if (state_.held_bytes > terms_->limits.max_held_answer_bytes) {
    Overstep(absl::StrCat("the peer has not finished answers of ", state_.held_bytes,
                          " bytes; the limit is ", terms_->limits.max_held_answer_bytes,
                          " (limits.max_held_answer_bytes)"));
  }
}

void Connection::RemoveAnswer(AnswerId id, const Answer& answer) {
  state_.held_bytes -= answer.held_bytes;
  if (answer.tail_runs) --state_.running_calls;
  state_.answers.Remove(id);
}

}  // namespace drover::rpc
