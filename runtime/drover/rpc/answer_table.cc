#include "drover/rpc/answer_table.h"

#include <capnp/any.h>

#include <iterator>
#include <utility>

#include "drover/rpc.capnp.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"

namespace drover::rpc {

AnswerResults::AnswerResults(wire::OutMessagePtr message, MessageCaps caps)
    : message_(std::move(message)), caps_(std::move(caps)), frame_bytes_(message_->FrameBytes()) {
  auto ret = message_->builder().getRoot<protocol::Message>().getReturn();
  content_ = caps_.Imbue(ret.getResults().getContent().asReader());
}

AnswerResults::AnswerResults(base::Ref<Capability> bare) : bare_(std::move(bare)) {}

AnswerResults::~AnswerResults() {
  Deferred drops;
  for (base::Ref<Capability>& capability : caps_.list()) drops.Drop(std::move(capability));
  drops.Drop(std::move(bare_));
  drops.FinishOnPool();
}

base::Ref<Capability> AnswerResults::Get(const PipelinePath& path) const {
  if (!bare_) return CapabilityAt(content_, path);
  if (path.empty()) return bare_;
  return BrokenCapability(
      absl::InvalidArgumentError("a call on a field of an answer that is itself a capability"));
}

AnswerHold::AnswerHold(base::Ref<Connection> connection, AnswerId answer, PipelinePath path)
    : connection_(std::move(connection)), answer_(answer), path_(std::move(path)) {}

AnswerHold::~AnswerHold() { connection_->LetGoOfAnswer(answer_, path_, this); }

std::list<AnswerWaiter>::iterator AwaitAt(Answer& answer, PipelinePath path,
                                          base::Ref<IncomingCall> call, Deferred& deferred) {
  const auto promised = answer.promised.find(path);
  AnswerWaiter& waiter = answer.waiting.emplace_back();
  const auto place = std::prev(answer.waiting.end());
  waiter.path = std::move(path);
  if (promised == answer.promised.end() || !promised->second.waiter->promise->TryRef()) {
    waiter.call = std::move(call);
    return place;
  }
  waiter.passed_on = call->answer_id();
  waiter.passed_to = base::Ref<PromiseCapability>::Adopt(promised->second.waiter->promise);
  waiter.passed_to->Deliver(std::move(call), deferred);
  return place;
}

}  // namespace drover::rpc
