// Holds on to a tail call of ours (tail_call.h).
//
//   answer.tail = base::MakeRef<TailHold>(connection, question, handler, call);
//   deferred.Then([tail = std::move(answer.tail)]() mutable { tail = nullptr; });
//
// Thread-safe; never blocks.
#ifndef DROVER_RPC_TAIL_HOLD_H_
#define DROVER_RPC_TAIL_HOLD_H_

#include "drover/base/ref.h"
#include "drover/rpc/ids.h"

namespace drover::rpc {

class Connection;
class IncomingCall;
class ReturnHandler;

// Keeps a tail call from being finished: the answer that it gives the results of holds it, and so
// do promises of what is in the results. The last one finishes it, which cancels it if it still
// runs. Dropped with no lock of a connection held.
class TailHold final : public base::RefCounted {
 public:
  // `handler` is that of the question; `call` is the one that was answered by it.
  TailHold(base::Ref<Connection> connection, QuestionId question, base::Ref<ReturnHandler> handler,
           base::Ref<IncomingCall> call);
  ~TailHold() override;

  QuestionId question() const { return question_; }
  const ReturnHandler* handler() const { return handler_.get(); }
  const base::Ref<IncomingCall>& call() const { return call_; }

 private:
  const base::Ref<Connection> connection_;
  const QuestionId question_;
  const base::Ref<ReturnHandler> handler_;
  const base::Ref<IncomingCall> call_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_TAIL_HOLD_H_
