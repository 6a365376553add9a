// A tail call of ours: a call of the peer that is forwarded to an object of the same peer is made
// with `sendResultsTo.yourself` and answered with `takeFromOtherQuestion`, so that its results do
// not travel here and back.
//
//   peer                                      here
//   Call 5 on a promise of ours ------------>
//          <------------ Call 2 on what that became, the peer's object; results to yourself
//          <------------ Return 5: take the results of 2
//   Return 2: results sent elsewhere ------->
//   Finish 5 ------------------------------->
//          <------------ Finish 2
//
// The Return does not wait. Calls of the peer on answer 5 go on to the promised answer of 2, and so
// does a Disembargo; Finish 2 is sent once nothing leads there any more.
//
// Only to peers that are known to understand: some that speak the rest of level 1 do not, and by
// the time that they say so the Return has gone.
#ifndef DROVER_RPC_TAIL_CALL_H_
#define DROVER_RPC_TAIL_CALL_H_

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

#endif  // DROVER_RPC_TAIL_CALL_H_
