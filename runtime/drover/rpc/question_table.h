// Calls that we made and the peer has not let go of.
#ifndef DROVER_RPC_QUESTION_TABLE_H_
#define DROVER_RPC_QUESTION_TABLE_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "drover/base/ref.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/id_tables.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/pipeline_path.h"
#include "drover/rpc/return_handler.h"

namespace drover::rpc {

class RemotePromise;

// What was asked for inside an answer before it came.
struct QuestionPipeline {
  std::vector<RemotePromise*> promises;  // alive, or being destroyed
  std::vector<PipelinePath> spent;       // of promises that calls travelled through, and are gone
};

// A question lives until its Return is here and its Finish is sent. Without a handler the Finish
// was sent first: the question only waits for its Return. One of a tail call is finished when the
// answer is that it gives the results of.
struct Question {
  Question() = default;
  explicit Question(base::Ref<ReturnHandler> asker) : handler(std::move(asker)) {}

  base::Ref<ReturnHandler> handler;
  std::vector<ExportId> param_exports;         // given back at once if the Return says so
  std::unique_ptr<QuestionPipeline> pipeline;  // null if nobody asked
  std::optional<AnswerId> taken_from;  // the Return is here: the results are those of this answer
  // A tail call of ours (tail_call.h): the results are those of this answer. It stays, with its
  // handler, until it is finished, whether its Return is here or not.
  std::optional<AnswerId> tail_of;
  bool tail_returned = false;
  bool release_results = false;  // the peer sent some all the same
  // The pipelined promises that it went through or took along: what they wait for is not cancelled
  // as long as somebody waits for this.
  std::vector<base::Ref<Capability>> keeps;
  bool pipelined = false;  // it is addressed to the first of those
};

using QuestionTable = OwnIdTable<QuestionId, Question>;

}  // namespace drover::rpc

#endif  // DROVER_RPC_QUESTION_TABLE_H_
