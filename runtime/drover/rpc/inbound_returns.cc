// Return from the peer: the answer to a call of ours.
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/kept_results.h"
#include "drover/rpc/plain_frames.h"
#include "drover/rpc/remote_promise.h"
#include "drover/rpc/status_codec.h"
#include "drover/rpc/tail_call.h"

namespace drover::rpc {

namespace {

absl::Status ErrorOfReturn(protocol::Return::Reader message) {
  switch (message.which()) {
    case protocol::Return::EXCEPTION:
      return FromException(message.getException());
    case protocol::Return::CANCELED:
      return absl::CancelledError("the peer cancelled the call");
    default:
      return absl::UnimplementedError(
          "the peer sent the results of the call somewhere else, which was not asked for");
  }
}

}  // namespace

absl::Status Connection::HandleReturn(protocol::Return::Reader message, const wire::Frame& frame,
                                      Deferred& deferred) {
  const QuestionId id(message.getAnswerId());
  base::Ref<ReturnHandler> handler;
  const bool has_results = message.isResults();
  protocol::Payload::Reader results;
  if (has_results) results = message.getResults();
  absl::Status error;
  if (!has_results && !message.isTakeFromOtherQuestion()) error = ErrorOfReturn(message);
  MessageCaps caps;  // outlives the lock, as what it holds may need it to go
  absl::Status overstep;
  {
    base::MutexLock lock(&mu_);
    if (!state_.open()) return absl::OkStatus();
    Question* question = state_.questions.Find(id);
    if (question == nullptr || question->taken_from || question->tail_returned) {
      return absl::InvalidArgumentError(
          absl::StrCat("a Return names question ", id.value(), ", which was not asked"));
    }
    if (message.getReleaseParamCaps()) {
      absl::Status released = ReleaseExports(std::exchange(question->param_exports, {}), deferred);
      if (!released.ok()) return released;
    }
    if (question->tail_of) return TailCall::HandleReturn(*this, id, message, deferred);
    if (message.isTakeFromOtherQuestion()) {
      return TailCall::TakeFromAnswer(*this, id, AnswerId(message.getTakeFromOtherQuestion()),
                                      deferred);
    }
    DropKept(*question, deferred);
    // Without a handler we have finished it already: its capabilities are the peer's again.
    if (question->handler) {
      if (has_results) {
        Receive(results, &caps);
        if (question->pipeline) {
          const capnp::AnyPointer::Reader content = caps.Imbue(results.getContent());
          const auto table = results.getCapTable();
          SettleAll(
              id, *question,
              [&](const PipelinePath& path) {
                Promised promised = {CapabilityAt(content, path), /*by_way_of_us=*/false};
                for (unsigned i = 0; i < caps.list().size(); ++i) {
                  if (caps.list()[i] == promised.capability && NamesOurs(table[i])) {
                    promised.by_way_of_us = true;
                  }
                }
                return promised;
              },
              &caps, deferred);
        }
      } else {
        BreakAll(id, *question, error, deferred);
      }
      if (!message.getNoFinishNeeded()) QueueFinish(id, /*release_result_caps=*/false);
    }
    // Taken only now: what ends the connection before leaves the call to Close.
    handler = std::move(question->handler);
    overstep = state_.overstep;
    state_.questions.Remove(id);
  }
  if (handler && !overstep.ok()) {
    handler->OnError(overstep);
  } else if (handler && has_results && handler->KeepsResults()) {
    DeliverReturn(*handler, KeptResults::Of(frame, std::move(caps)));
  } else if (handler && has_results) {
    DeliverReturn(*handler, caps.Imbue(results.getContent()));
  } else if (handler) {
    handler->OnError(error);
  }
  CloseIfRetired();
  return absl::OkStatus();
}

bool Connection::HandlePlainReturn(const PlainReturn& ret, const wire::Frame& frame,
                                   Deferred& deferred) {
  base::Ref<ReturnHandler> handler;
  absl::Status overstep;
  {
    base::MutexLock lock(&mu_);
    if (!state_.open()) return true;
    Question* question = state_.questions.Find(ret.id);
    if (question == nullptr || question->taken_from || question->tail_of || question->pipeline) {
      return false;
    }
    DropKept(*question, deferred);
    if (question->handler && !ret.no_finish_needed) {
      QueueFinish(ret.id, /*release_result_caps=*/false);
    }
    handler = std::move(question->handler);
    overstep = state_.overstep;
    state_.questions.Remove(ret.id);
  }
  if (handler) {
    if (!overstep.ok()) {
      handler->OnError(overstep);
    } else if (handler->KeepsResults()) {
      DeliverReturn(*handler, KeptResults::Of(frame, MessageCaps()));
    } else {
      DeliverReturn(*handler, ret.content);
    }
  }
  CloseIfRetired();
  return true;
}

}  // namespace drover::rpc
