// Return from the peer: the answer to a call of ours.
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/status_codec.h"

namespace drover::rpc {

absl::Status Connection::HandleReturn(protocol::Return::Reader message, Deferred& deferred) {
  const QuestionId id(message.getAnswerId());
  base::Ref<ReturnHandler> handler;
  const bool has_results = message.isResults();
  protocol::Payload::Reader results;
  if (has_results) results = message.getResults();
  MessageCaps caps;  // outlives the lock, as what it holds may need it to go
  absl::Status overstep;
  {
    base::MutexLock lock(&mu_);
    if (!state_.open()) return absl::OkStatus();
    Question* question = state_.questions.Find(id);
    if (question == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("a Return names question ", id.value(), ", which was not asked"));
    }
    const bool bootstrap =
        state_.bootstrap && state_.bootstrap->question == id && !state_.bootstrap->front;
    handler = std::move(question->handler);
    if (message.getReleaseParamCaps()) {
      absl::Status released = ReleaseExports(question->param_exports, deferred);
      if (!released.ok()) return released;
    }
    // Without a handler we have finished it already: its capabilities are the peer's again.
    if (handler || bootstrap) {
      if (has_results) Receive(results, &caps);
      if (!message.getNoFinishNeeded()) QueueFinish(id, /*release_result_caps=*/false);
    }
    overstep = state_.overstep;
    state_.questions.Remove(id);
    if (bootstrap) {
      base::Ref<Capability> front;
      if (has_results) {
        front = GetCapability(caps.Imbue(results.getContent()));
        if (!front) front = BrokenCapability(absl::NotFoundError("the peer has no front object"));
      } else if (message.isException()) {
        front = BrokenCapability(FromException(message.getException()));
      } else {
        front = BrokenCapability(absl::UnknownError("the peer gave no front object"));
      }
      state_.bootstrap->front = std::move(front);
    }
  }
  RequestTick();  // for the Finish
  if (handler && !overstep.ok()) {
    handler->OnError(overstep);
  } else if (handler) {
    switch (message.which()) {
      case protocol::Return::RESULTS:
        DeliverReturn(*handler, caps.Imbue(results.getContent()));
        break;
      case protocol::Return::EXCEPTION:
        handler->OnError(FromException(message.getException()));
        break;
      case protocol::Return::CANCELED:
        handler->OnError(absl::CancelledError("the peer cancelled the call"));
        break;
      default:
        handler->OnError(absl::UnimplementedError(
            "the peer sent the results of the call somewhere else, which was not asked for"));
        break;
    }
  }
  CloseIfRetired();
  return absl::OkStatus();
}

}  // namespace drover::rpc
