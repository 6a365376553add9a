// Answers to calls of the peer.
#include <cstddef>
#include <memory>
#include <utility>

#include "drover/async/thread_context.h"
#include "drover/async/thread_pool.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/outgoing_return.h"
#include "drover/rpc/plain_frames.h"
#include "drover/rpc/status_codec.h"
#include "drover/rpc/tail_call.h"

namespace drover::rpc {
namespace {

// Whether the answer can go as its Return leaves: it has nothing that a Finish would release, and
// nobody is to call on it.
bool NeedsNoFinish(const IncomingCall& call, const Answer& answer) {
  return call.not_pipelined() && !answer.keeps_results && answer.result_exports.empty() &&
         answer.results == nullptr && answer.waiting.empty();
}

}  // namespace

void Connection::SendReturn(IncomingCall& call, wire::OutMessagePtr message,
                            protocol::Return::Builder ret, MessageCaps caps) {
  if (InForkedChild()) return;
  Deferred deferred;
  bool to_write;
  {
    base::MutexLock lock(&mu_);
    const AnswerId id = call.answer_id();
    Answer* answer = state_.open() ? state_.answers.Find(id) : nullptr;
    if (answer == nullptr || answer->call != &call) return;
    BeginReturn(call, *answer, deferred);
    absl::Status failure;
    const bool keeps_results = answer->keeps_results;
    if (keeps_results) {
      message =
          TailCall::KeepResults(*this, id, *answer, std::move(message), std::move(caps), deferred);
    } else if (answer->finished) {
      // The peer wants no results, but calls on them may wait.
      if (answer->cancelled) {
        answer->error = absl::CancelledError("the caller cancelled the call");
      } else if (ret.isResults()) {
        answer->results = std::make_shared<AnswerResults>(std::move(message), std::move(caps));
      } else {
        answer->error = FromException(ret.asReader().getException());
      }
      message = wire::OutMessage::New();
      InitReturn(*message, id).setCanceled();
    } else if (ret.isResults()) {
      if (!caps.list().empty()) Describe(caps, ret.getResults(), &answer->result_exports);
      failure = CheckExports();
      if (failure.ok()) failure = CheckFrame(message->FrameBytes());
      if (!failure.ok()) {
        state_.fds.clear();
        ReleaseExports(std::exchange(answer->result_exports, {}), deferred)
            .IgnoreError();  // they were added just now
        message = wire::OutMessage::New();
        ToException(failure, InitReturn(*message, id).initException());
        answer->error = failure;
      }
    } else {
      answer->error = FromException(ret.asReader().getException());
    }
    if (!keeps_results && !answer->finished && answer->error.ok() && !caps.list().empty()) {
      // Kept for calls on the capabilities inside, so the frame is a copy.
      PrepareToQueue(*message);
      if (state_.fds.empty()) {
        state_.send.AppendCopy(*message);
      } else {
        state_.send.AppendWithFds(*message, std::exchange(state_.fds, {}));
      }
      NoteQueued(Urgency::kNow);
      answer->results = std::make_shared<AnswerResults>(std::move(message), std::move(caps));
    } else {
      if (!answer->finished && NeedsNoFinish(call, *answer)) {
        message->builder().getRoot<protocol::Message>().getReturn().setNoFinishNeeded(true);
        answer->finished = true;
      }
      if (!SharedMemoryUpgrade::QueueOffer(*this, id, *answer, message))
        Queue(message, Urgency::kNow);
    }
    EndReturn(id, *answer, deferred);
    to_write = !Corked(state_.send.bytes()) && ClaimWrite(/*also_what_can_wait=*/false);
  }
  WriteReturn(to_write, deferred);
}

bool Connection::SendPlainReturn(IncomingCall& call, const wire::PlainStruct& results) {
  if (InForkedChild()) return true;
  std::byte frame[PlainFrames::kMostBytes];
  const size_t size = PlainFrames::SizeOfReturn(results);
  if (size > terms_->max_frame_bytes) return false;
  Deferred deferred;
  bool to_write = false;
  bool queued;
  {
    base::MutexLock lock(&mu_);
    const AnswerId id = call.answer_id();
    Answer* answer = state_.open() ? state_.answers.Find(id) : nullptr;
    if (answer == nullptr || answer->call != &call) return true;
    if (answer->keeps_results || answer->finished || !state_.ExportsFit(terms_->limits))
      return false;
    const bool forgets = NeedsNoFinish(call, *answer);
    PlainFrames::Get().CopyReturn(id, forgets, results, frame);
    BeginReturn(call, *answer, deferred);
    if (forgets) answer->finished = true;
    const bool leaves = !Corked(state_.send.bytes() + size);
    queued = !leaves || !ClaimWriteOf(size);
    if (queued) QueueBytes({frame, size}, Urgency::kNow);
    EndReturn(id, *answer, deferred);
    if (queued && leaves) to_write = ClaimWrite(/*also_what_can_wait=*/false);
  }
  if (!queued) {
    WriteFrameClaimed({frame, size});
    async::ThreadContext::Current().clock.Forget();
  }
  WriteReturn(to_write, deferred);
  return true;
}

void Connection::BeginReturn(IncomingCall& call, Answer& answer, Deferred& deferred) {
  answer.call = nullptr;
  answer.returned = true;
  deferred.Drop(std::move(answer.waits_at));
  --state_.running_calls;
  if (!call.answered_early()) state_.call_bytes -= std::exchange(call.counted_bytes, 0);
}

void Connection::EndReturn(AnswerId id, Answer& answer, Deferred& deferred) {
  CompleteAnswer(answer, deferred);
  if (answer.finished) {
    DropResults(answer, deferred);
    RemoveAnswer(id, answer);
  } else {
    HoldAnswer(answer);
  }
}

void Connection::WriteReturn(bool to_write, Deferred& deferred) {
  if (to_write) {
    WriteClaimed();
    async::ThreadContext::Current().clock.Forget();
  }
  deferred.FinishOnPool();
  if (overstepped_.load(std::memory_order_relaxed)) {
    // The callers of this may hold locks of their own.
    runtime_.pool().Post([self = base::Ref<Connection>::Share(this)] { self->EndIfOverstepped(); });
  }
}

}  // namespace drover::rpc
