// Tail calls: the part of a connection that answers a call by another one.
//
// One of ours: a call of the peer that is forwarded to an object of the same peer is made with
// `sendResultsTo.yourself` and answered with `takeFromOtherQuestion`, so that its results do not
// travel here and back.
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
//
// One of the peer's is the same the other way round: the results of its call stay here, for the
// question of ours whose Return names them.
//
// Everything here is done under the connection's lock. Never blocks.
#ifndef DROVER_RPC_TAIL_CALL_H_
#define DROVER_RPC_TAIL_CALL_H_

#include "absl/status/status.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/rpc.capnp.h"
#include "drover/rpc/answer_table.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/message_caps.h"
#include "drover/rpc/pipeline_path.h"
#include "drover/rpc/question_table.h"
#include "drover/rpc/tail_hold.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {

class TailCall {
 public:
  // --- Ours ---
  // Whether the peer's call may be answered by one; then nobody else answers it any more.
  [[nodiscard]] static bool Claim(Connection& c, IncomingCall& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu_);
  // By question `id`, which was queued just now.
  static void AnswerBy(Connection& c, QuestionId id, Question& question, IncomingCall& call,
                       Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu_);
  // What `path` will lead to in its results.
  static base::Ref<Capability> Inside(Connection& c, const base::Ref<TailHold>& tail,
                                      const PipelinePath& path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu_);
  // The Return of one.
  static absl::Status HandleReturn(Connection& c, QuestionId id, protocol::Return::Reader message,
                                   Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu_);

  // --- The peer's ---
  // It has returned: keeps the results and gives the Return that is to be sent.
  static wire::OutMessagePtr KeepResults(Connection& c, AnswerId id, Answer& answer,
                                         wire::OutMessagePtr message, MessageCaps caps,
                                         Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu_);
  // Question `id` was answered with what `other` gives, or will give.
  static absl::Status TakeFromAnswer(Connection& c, QuestionId id, AnswerId other,
                                     Deferred& deferred) ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu_);
  // The question that takes the results was cancelled. The peer may not tell: the stock runtime
  // finishes a tail call only when that has returned.
  static void GiveUp(Connection& c, Answer& answer, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu_);

 private:
  static void GiveToTaker(Connection& c, AnswerId id, Answer& answer, Deferred& deferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(c.mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_TAIL_CALL_H_
