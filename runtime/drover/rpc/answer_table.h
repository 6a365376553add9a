// Calls that the peer made and has not let go of.
#ifndef DROVER_RPC_ANSWER_TABLE_H_
#define DROVER_RPC_ANSWER_TABLE_H_

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/base/ref.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/id_tables.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/message_caps.h"
#include "drover/rpc/pipeline_path.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/tail_hold.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {

class Connection;
class Deferred;

// Somebody who wants a capability inside the results before they are there.
struct AnswerWaiter {
  PipelinePath path;
  base::Ref<IncomingCall> call;          // to be delivered to it, or
  PromiseCapability* promise = nullptr;  // to be resolved to it; alive, or being destroyed; or
  std::optional<AnswerId> passed_on;     // a call that waits at the promise `passed_to`
  base::Ref<PromiseCapability> passed_to;
};

// Keeps an answer from being cancelled as long as a promise of what is in it lives.
class AnswerHold final : public base::RefCounted {
 public:
  AnswerHold(base::Ref<Connection> connection, AnswerId answer, PipelinePath path);
  ~AnswerHold() override;

 private:
  const base::Ref<Connection> connection_;
  const AnswerId answer_;
  const PipelinePath path_;
};

// Results that hold capabilities, kept for calls on them; or those of a call whose results another
// call will take.
//
// Nothing changes them, so whoever takes them may read them without the connection's lock. The last
// who lets go of them does so without it.
class AnswerResults {
 public:
  AnswerResults(wire::OutMessagePtr message, MessageCaps caps);  // a Return with results
  explicit AnswerResults(base::Ref<Capability> bare);            // of a Bootstrap
  ~AnswerResults();
  AnswerResults(const AnswerResults&) = delete;
  AnswerResults& operator=(const AnswerResults&) = delete;

  // Not of a Bootstrap.
  capnp::AnyPointer::Reader content() const { return content_; }
  // Never null; broken if the path leads nowhere.
  base::Ref<Capability> Get(const PipelinePath& path) const;
  // Of the message, if there is one.
  size_t FrameBytes() const { return frame_bytes_; }

 private:
  wire::OutMessagePtr message_;
  MessageCaps caps_;
  base::Ref<Capability> bare_;
  capnp::AnyPointer::Reader content_;
  size_t frame_bytes_ = 0;
};

// An answer lives until it is returned and finished.
struct Answer {
  IncomingCall* call = nullptr;  // while it runs
  bool returned = false;
  bool finished = false;
  bool cancelled = false;  // finished or given up before it returned, and nobody waits for it
  std::optional<AnswerId> waits_for;  // the call is addressed to something in that one's results
  std::list<AnswerWaiter>::iterator waits_as;  // if so: as what it is there
  // A promise that the call waits at: it lives as long as the call does, though the peer may have
  // released it. Null once the call is cancelled.
  base::Ref<Capability> waits_at;
  size_t awaited = 0;     // calls that wait and are not cancelled, and promises that live
  size_t held_bytes = 0;  // once returned: what it counts towards Limits::max_held_answer_bytes
  absl::Status error;     // returned, if not OK
  std::shared_ptr<const AnswerResults> results;
  std::vector<ExportId> result_exports;
  std::list<AnswerWaiter> waiting;
  // The promises among those. Calls that come later for one's path wait behind what was called
  // through it, so that neither overtakes the other.
  struct Promised {
    const AnswerHold* hold = nullptr;
    std::list<AnswerWaiter>::iterator waiter;
  };
  std::map<PipelinePath, Promised> promised;

  // A tail call of the peer: the results stay here, for the answer to a question of ours.
  bool keeps_results = false;
  bool taken = false;               // by the question, whose Return has named this answer
  std::optional<QuestionId> taker;  // it waits for the results
  bool given_up = false;            // that question was cancelled

  // A tail call of ours gives the results: calls on them go to that.
  base::Ref<TailHold> tail;
  bool tail_runs = false;  // it has not returned, so this call still counts as one that runs
};

// Keeps a call until its target, at `path`, is known. Returns where.
std::list<AnswerWaiter>::iterator AwaitAt(Answer& answer, PipelinePath path,
                                          base::Ref<IncomingCall> call, Deferred& deferred);

using AnswerTable = PeerIdTable<AnswerId, Answer>;

}  // namespace drover::rpc

#endif  // DROVER_RPC_ANSWER_TABLE_H_
