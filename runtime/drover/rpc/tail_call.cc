#include "drover/rpc/tail_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/outgoing_return.h"

namespace drover::rpc {

TailHold::TailHold(base::Ref<Connection> connection, QuestionId question,
                   base::Ref<ReturnHandler> handler, base::Ref<IncomingCall> call)
    : connection_(std::move(connection)),
      question_(question),
      handler_(std::move(handler)),
      call_(std::move(call)) {}

TailHold::~TailHold() {
  // Whoever takes the handler from the question tells of the end. One that has returned has told.
  if (connection_->CancelQuestion(question_, handler_.get())) {
    call_->TailEnded(absl::CancelledError("the caller cancelled the call"));
  }
}

bool Connection::ClaimTail(IncomingCall& call) {
  if (!state_.takes_tails || call.connection().get() != this) return false;
  const Answer* answer = state_.answers.Find(call.answer_id());
  // One that is a tail call itself keeps its results here, for a question of ours.
  if (answer == nullptr || answer->call != &call || answer->keeps_results || answer->finished) {
    return false;
  }
  return call.ClaimForTail();
}

void Connection::AnswerByTail(QuestionId id, Question& question, IncomingCall& call,
                              Deferred& deferred) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  InitReturn(*message, call.answer_id()).setTakeFromOtherQuestion(id.value());
  Queue(message, Urgency::kNow);
  question.tail_of = call.answer_id();
  Answer& answer = *state_.answers.Find(call.answer_id());
  answer.call = nullptr;
  answer.returned = true;
  answer.tail_runs = true;
  deferred.Drop(std::move(answer.waits_at));
  answer.tail = base::MakeRef<TailHold>(base::Ref<Connection>::Share(this), id, question.handler,
                                        base::Ref<IncomingCall>::Share(&call));
  state_.call_bytes -= std::exchange(call.counted_bytes, 0);
  CompleteAnswer(answer, deferred);
}

base::Ref<Capability> Connection::InsideTail(const base::Ref<TailHold>& tail,
                                             const PipelinePath& path) {
  Question* question = state_.questions.Find(tail->question());
  if (question == nullptr || question->handler.get() != tail->handler()) {
    return BrokenCapability(absl::UnavailableError("the call on whose results this is has gone"));
  }
  return PromiseOf(tail->question(), *question, path, [tail] {});
}

// What it says matters little: the peer has its results from itself.
absl::Status Connection::HandleTailReturn(QuestionId id, protocol::Return::Reader message,
                                          Deferred& deferred) {
  if (message.isTakeFromOtherQuestion()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a Return gives question ", id.value(),
                     ", whose results stay with the peer, those of another one"));
  }
  Question& question = *state_.questions.Find(id);
  question.tail_returned = true;
  question.release_results = message.isResults();
  DropKept(question, deferred);
  question.pipelined = false;
  Answer* answer = state_.answers.Find(*question.tail_of);
  if (answer != nullptr && answer->tail && answer->tail->question() == id) {
    answer->tail_runs = false;
    --state_.running_calls;
    HoldAnswer(*answer);
    deferred.Then([call = answer->tail->call()] { call->TailEnded(absl::OkStatus()); });
  }
  if (question.handler && message.getNoFinishNeeded()) {
    // It has forgotten the answer, so there is nothing to call in it.
    deferred.Then([handler = std::move(question.handler)] {});
    BreakAll(id, question, absl::UnavailableError("the peer has let go of the results"), deferred);
  }
  if (!question.handler) state_.questions.Remove(id);
  deferred.Then([self = base::Ref<Connection>::Share(this)] {
    self->TellIfIdle();
    self->CloseIfRetired();
  });
  return absl::OkStatus();
}

}  // namespace drover::rpc
