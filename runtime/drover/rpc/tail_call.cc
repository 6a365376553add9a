#include "drover/rpc/tail_call.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/kept_results.h"
#include "drover/rpc/outgoing_return.h"
#include "drover/rpc/status_codec.h"

namespace drover::rpc {

// --- ours ---------------------------------------------------------------------------------------

bool TailCall::Claim(Connection& c, IncomingCall& call) {
  if (!c.state_.takes_tails || call.connection().get() != &c) return false;
  const Answer* answer = c.state_.answers.Find(call.answer_id());
  // One that is a tail call itself keeps its results here, for a question of ours.
  if (answer == nullptr || answer->call != &call || answer->keeps_results || answer->finished) {
    return false;
  }
  return call.ClaimForTail();
}

void TailCall::AnswerBy(Connection& c, QuestionId id, Question& question, IncomingCall& call,
                        Deferred& deferred) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  InitReturn(*message, call.answer_id()).setTakeFromOtherQuestion(id.value());
  c.Queue(message, Connection::Urgency::kNow);
  question.tail_of = call.answer_id();
  Answer& answer = *c.state_.answers.Find(call.answer_id());
  answer.call = nullptr;
  answer.returned = true;
  answer.tail_runs = true;
  deferred.Drop(std::move(answer.waits_at));
  answer.tail = base::MakeRef<TailHold>(base::Ref<Connection>::Share(&c), id, question.handler,
                                        base::Ref<IncomingCall>::Share(&call));
  c.state_.call_bytes -= std::exchange(call.counted_bytes, 0);
  c.CompleteAnswer(answer, deferred);
}

base::Ref<Capability> TailCall::Inside(Connection& c, const base::Ref<TailHold>& tail,
                                       const PipelinePath& path) {
  Question* question = c.state_.questions.Find(tail->question());
  if (question == nullptr || question->handler.get() != tail->handler()) {
    return BrokenCapability(absl::UnavailableError("the call on whose results this is has gone"));
  }
  return c.PromiseOf(tail->question(), *question, path, [tail] {});
}

// What it says matters little: the peer has its results from itself.
absl::Status TailCall::HandleReturn(Connection& c, QuestionId id, protocol::Return::Reader message,
                                    Deferred& deferred) {
  if (message.isTakeFromOtherQuestion()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a Return gives question ", id.value(),
                     ", whose results stay with the peer, those of another one"));
  }
  Question& question = *c.state_.questions.Find(id);
  question.tail_returned = true;
  question.release_results = message.isResults();
  c.DropKept(question, deferred);
  question.pipelined = false;
  Answer* answer = c.state_.answers.Find(*question.tail_of);
  if (answer != nullptr && answer->tail && answer->tail->question() == id) {
    answer->tail_runs = false;
    --c.state_.running_calls;
    c.HoldAnswer(*answer);
    deferred.Then([call = answer->tail->call()] { call->TailEnded(absl::OkStatus()); });
  }
  if (question.handler && message.getNoFinishNeeded()) {
    // It has forgotten the answer, so there is nothing to call in it.
    deferred.Then([handler = std::move(question.handler)] {});
    c.BreakAll(id, question, absl::UnavailableError("the peer has let go of the results"),
               deferred);
  }
  if (!question.handler) c.state_.questions.Remove(id);
  deferred.Then([self = base::Ref<Connection>::Share(&c)] {
    self->TellIfIdle();
    self->CloseIfRetired();
  });
  return absl::OkStatus();
}

// --- the peer's ---------------------------------------------------------------------------------

wire::OutMessagePtr TailCall::KeepResults(Connection& c, AnswerId id, Answer& answer,
                                          wire::OutMessagePtr message, MessageCaps caps,
                                          Deferred& deferred) {
  auto ret = message->builder().getRoot<protocol::Message>().getReturn();
  if (answer.cancelled) {
    answer.error = absl::CancelledError("the caller cancelled the call");
  } else if (ret.isResults()) {
    answer.results = std::make_shared<AnswerResults>(std::move(message), std::move(caps));
  } else {
    answer.error = FromException(ret.asReader().getException());
  }
  GiveToTaker(c, id, answer, deferred);
  wire::OutMessagePtr out = wire::OutMessage::New();
  InitReturn(*out, id).setResultsSentElsewhere();
  return out;
}

// The peer made a call of its own to us in place of answering ours (a tail call): what that call
// gives is what ours gives. The Finish waits until then, for the peer passes it on.
absl::Status TailCall::TakeFromAnswer(Connection& c, QuestionId id, AnswerId other,
                                      Deferred& deferred) {
  Question* question = c.state_.questions.Find(id);
  Answer* answer = c.state_.answers.Find(other);
  if (answer == nullptr || !answer->keeps_results || answer->taken) {
    return absl::InvalidArgumentError(absl::StrCat("a Return takes its results from question ",
                                                   other.value(), ", which keeps none for it"));
  }
  answer->taken = true;
  c.state_.takes_tails = true;
  if (!question->handler) {
    c.state_.questions.Remove(id);
    GiveUp(c, *answer, deferred);
    return absl::OkStatus();
  }
  c.SettleAll(
      id, *question,
      [&](const PipelinePath& path) -> Connection::Promised {
        c.mu_.AssertHeld();
        return {answer->returned ? c.AnswerCapability(*answer, path)
                                 : c.PromiseInside(other, *answer, path),
                /*by_way_of_us=*/true};
      },
      nullptr, deferred);
  c.takes_answers_.store(true, std::memory_order_release);
  question->taken_from = other;
  answer->taker = id;
  if (answer->returned) GiveToTaker(c, other, *answer, deferred);
  return absl::OkStatus();
}

void TailCall::GiveToTaker(Connection& c, AnswerId id, Answer& answer, Deferred& deferred) {
  if (!answer.taker) return;
  const QuestionId taker = *std::exchange(answer.taker, std::nullopt);
  Question* question = c.state_.questions.Find(taker);
  if (question == nullptr || question->taken_from != id) return;  // it was cancelled
  c.DropKept(*question, deferred);
  deferred.Then(
      [handler = std::move(question->handler), results = answer.results, error = answer.error] {
        if (!handler) return;
        if (error.ok() && handler->KeepsResults()) {
          DeliverReturn(*handler, KeptResults::Of(results));
        } else if (error.ok()) {
          DeliverReturn(*handler, results->content());
        } else {
          handler->OnError(error);
        }
      });
  c.QueueFinish(taker, /*release_result_caps=*/false);
  c.state_.questions.Remove(taker);
}

void TailCall::GiveUp(Connection& c, Answer& answer, Deferred& deferred) {
  if (answer.returned) return;
  answer.given_up = true;
  c.CancelUnlessAwaited(&answer, deferred);
}

}  // namespace drover::rpc
