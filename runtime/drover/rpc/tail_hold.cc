#include "drover/rpc/tail_hold.h"

#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/incoming_call.h"

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

}  // namespace drover::rpc
