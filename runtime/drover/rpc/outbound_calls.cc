// Calls of ours: sent, and cancelled.
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "drover/async/thread_context.h"
#include "drover/rpc/batch.h"
#include "drover/rpc/batching.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/metadata_codec.h"
#include "drover/rpc/one_way.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/plain_frames.h"
#include "drover/rpc/remote_capability.h"
#include "drover/rpc/remote_promise.h"
#include "drover/rpc/tail_call.h"

namespace drover::rpc {
// A thread that takes an answer which is already here and makes the next call keeps a window of
// calls in flight. While more answers wait for it, its call waits too, so that many leave in one
// write (batching.h); the last one of the window, a wait, or a tick (1 ms) sends them all. A call
// that its thread waits for next waits for those of other threads that have their turn before.
bool Connection::CanWait(const OutgoingCall& call) {
  if (Batch* batch = async::ThreadContext::Current().batch; batch != nullptr && !call.awaited()) {
    return batch->Gather(*this, state_.send.bytes());
  }
  if (call.can_wait || (call.awaited() && InCrowd())) return true;
  int& credit = async::ThreadContext::Current().collected;
  if (credit == 0) return false;
  credit = 0;
  return uncollected_.load(std::memory_order_relaxed) > 0 &&
         state_.send.bytes() < MostWaitingCallBytes();
}

void Connection::SendCall(RemoteCapability& target, OutgoingCall&& call,
                          base::Ref<ReturnHandler> handler) {
  if (call.one_way && OneWay::Send(*this, target, call, *handler)) return;
  if (call.plain() && SendPlainQuestion(target, call, handler)) return;
  SendQuestion(&target, call, handler);  // an import takes every call
}

bool Connection::SendPlainQuestion(RemoteCapability& target, const OutgoingCall& call,
                                   base::Ref<ReturnHandler>& handler) {
  if (call.metadata() || call.nonce != 0 || call.answers != nullptr || InForkedChild())
    return false;
  std::byte frame[PlainFrames::kMostBytes];
  const size_t size = PlainFrames::SizeOfCall(call.plain_params());
  if (size > terms_->max_frame_bytes) return false;
  ReturnHandler& asker = *handler;
  QuestionId id;
  bool to_write = false;
  bool queued;
  {
    base::MutexLock lock(&mu_);
    if (!state_.open() || state_.write_failed ||
        state_.hello == ConnectionState::Hello::kAnswered || !state_.held.empty() ||
        state_.holds_all || !state_.BacklogFits(terms_->limits) ||
        !state_.ExportsFit(terms_->limits)) {
      return false;
    }
    // One that is awaited is kept by whoever waits, until then.
    id = call.awaited() ? state_.questions.Add(std::move(handler)) : state_.questions.Add(handler);
    PlainFrames::Get().CopyCall(id, target.id(), call.interface_id(), call.method_id(),
                                call.not_pipelined, call.plain_params(), frame);
    const bool waits = CanWait(call);
    const bool leaves = !waits && !Corked(/*queued_bytes=*/0);
    queued = !leaves || !ClaimWriteOf(size);
    if (queued) {
      QueueBytes({frame, size}, waits ? Urgency::kCanWait : Urgency::kNow);
      to_write = leaves && ClaimWrite(/*also_what_can_wait=*/false);
    }
  }
  asker.OnSent(base::Ref<Connection>::Share(this), id);
  if (!queued) {
    WriteFrameClaimed({frame, size});
  } else if (to_write) {
    WriteClaimed();
  }
  return true;
}

bool Connection::SendCallOnPromise(RemotePromise& target, OutgoingCall& call,
                                   base::Ref<ReturnHandler>& handler) {
  // Whatever it has turned out to be builds the message, or does without one.
  if (!InForkedChild()) {
    base::MutexLock lock(&mu_);
    if (target.phase != RemotePromise::Phase::kOpen && !MustHold(call)) return false;
  }
  return SendQuestion(&target, call, handler);
}

bool Connection::SendQuestion(const CallTarget& target, OutgoingCall& call,
                              base::Ref<ReturnHandler>& handler) {
  if (InForkedChild()) {
    handler->OnError(absl::FailedPreconditionError(
        absl::StrCat("the connection to ", name(), " belongs to the parent process")));
    return true;
  }
  // Built before the lock is taken.
  if (call.not_pipelined) call.call().setNoPromisePipelining(true);
  call.message();
  absl::Status lost;
  absl::Status refused;
  QuestionId id;
  bool waits = false;
  bool to_write = false;
  bool held = false;
  bool first_held = false;
  base::Ref<IncomingCall> answered;  // by this, as a tail call
  Deferred deferred;
  {
    base::MutexLock lock(&mu_);
    lost = state_.closed;
    if (lost.ok() && state_.write_failed) {
      lost = absl::UnavailableError(
          absl::StrCat("the connection to ", name(), " ended: the peer closed it"));
    }
    // What all that is held waits for must not wait for it in its turn.
    if (lost.ok() && !(call.held && state_.holds_all)) refused = CheckBacklog();
    held = lost.ok() && refused.ok() && MustHold(call);
    first_held = held && state_.hello == ConnectionState::Hello::kAsked && state_.held.empty();
    if (held) Hold(target, call, handler);
    auto message_target = call.target();
    if (held) {
      // it leaves later
    } else if (const auto* promise = std::get_if<RemotePromise*>(&target)) {
      if ((*promise)->phase != RemotePromise::Phase::kOpen) return false;
      (*promise)->used = true;
      (*promise)->Describe(message_target);
    } else {
      message_target.setImportedCap(std::get<RemoteCapability*>(target)->id().value());
    }
    if (lost.ok() && refused.ok() && !held) {
      id = state_.questions.Add(handler);
      call.call().setQuestionId(id.value());
      Question* question = state_.questions.Find(id);
      if (const auto* promise = std::get_if<RemotePromise*>(&target)) {
        KeepPromise(*question, base::Ref<RemotePromise>::Share(*promise));
        question->pipelined = !question->keeps.empty();
      }
      if (call.nonce != 0) {
        call.call().getExtension().initAs<protocol::CallExtension>().setNonce(call.nonce);
      } else if (call.metadata() && state_.extensions) {
        WriteMetadata(*call.metadata(), absl::Now(),
                      call.call().getExtension().initAs<protocol::CallExtension>());
      }
      if (!call.caps().list().empty()) {
        Describe(call.caps(), call.payload(), &question->param_exports);
        for (const auto& capability : call.caps().list()) KeepPromise(*question, capability);
      }
      refused = CheckExports();
      if (refused.ok()) refused = CheckFrame(call.message()->FrameBytes());
      if (refused.ok()) {
        if (call.answers != nullptr && TailCall::Claim(*this, *call.answers)) {
          answered = base::Ref<IncomingCall>::Share(call.answers);
          call.call().getSendResultsTo().setYourself();
        }
        waits = !answered && (CanWait(call));
        Queue(call.message(), waits ? Urgency::kCanWait : Urgency::kNow);
        if (answered) TailCall::AnswerBy(*this, id, *question, *answered, deferred);
        to_write =
            !waits && !Corked(/*queued_bytes=*/0) && ClaimWrite(/*also_what_can_wait=*/false);
      } else {
        state_.fds.clear();
        ReleaseExports(question->param_exports, deferred)
            .IgnoreError();  // they were added just now
        DropKept(*question, deferred);
        state_.questions.Remove(id);  // nobody has heard of it
      }
    }
  }
  deferred.FinishOnPool();
  if (held) {
    if (first_held) AddUnattended();  // whoever waits for the call cannot read the answer to hello
  } else if (!lost.ok()) {
    handler->OnLost(lost);
  } else if (!refused.ok()) {
    handler->OnError(refused);
  } else {
    if (answered) {
      answered->ReleaseToTail();
    } else {
      handler->OnSent(base::Ref<Connection>::Share(this), id);
    }
    if (to_write) WriteClaimed();
  }
  return true;
}

bool Connection::CancelQuestion(QuestionId id, const ReturnHandler* handler) {
  if (InForkedChild()) return false;
  base::Ref<ReturnHandler> dropped;
  Deferred deferred;
  {
    base::MutexLock lock(&mu_);
    Question* question = state_.open() ? state_.questions.Find(id) : nullptr;
    if (question == nullptr || question->handler.get() != handler) return false;
    dropped = std::move(question->handler);
    FinishEarly(id, *question, deferred);
  }
  deferred.FinishOnPool();
  Flush();
  CloseIfRetired();
  return true;
}

void Connection::FinishEarly(QuestionId id, Question& question, Deferred& deferred) {
  // The peer lets a call go on for those that are addressed to its results: these end with it.
  std::vector<QuestionId> dependent;
  if (question.pipeline) {
    state_.questions.ForEach([&](QuestionId other, Question& q) {
      if (!q.handler || !q.pipelined) return;
      const auto& promise = static_cast<const RemotePromise&>(*q.keeps.front());
      if (promise.question() == id && promise.phase == RemotePromise::Phase::kOpen) {
        dependent.push_back(other);
      }
    });
  }
  const std::optional<AnswerId> taken_from = question.taken_from;
  const absl::Status cancelled = absl::CancelledError("the caller cancelled the call");
  DropKept(question, deferred);
  BreakAll(id, question, cancelled, deferred);
  // Of a tail call that has returned nothing is here that would have to be released.
  QueueFinish(id, /*release_result_caps=*/!question.tail_returned || question.release_results);
  if (question.tail_returned) state_.questions.Remove(id);
  if (taken_from) {
    state_.questions.Remove(id);  // nothing more is to come for it
    Answer* answer = state_.answers.Find(*taken_from);
    if (answer != nullptr && answer->taker == id) TailCall::GiveUp(*this, *answer, deferred);
  }
  for (QuestionId other : dependent) {
    Question& q = *state_.questions.Find(other);
    deferred.Then([handler = std::move(q.handler), cancelled] { handler->OnError(cancelled); });
    FinishEarly(other, q, deferred);
  }
}

}  // namespace drover::rpc
