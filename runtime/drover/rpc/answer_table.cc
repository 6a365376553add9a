#include "drover/rpc/answer_table.h"

#include <capnp/any.h>

#include <utility>

#include "drover/rpc.capnp.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/deferred.h"

namespace drover::rpc {

capnp::AnyPointer::Reader AnswerResults::content() {
  auto ret = message->builder().getRoot<protocol::Message>().getReturn();
  return caps.Imbue(ret.getResults().getContent().asReader());
}

base::Ref<Capability> AnswerResults::Get(const PipelinePath& path) {
  if (!bare) return CapabilityAt(content(), path);
  if (path.empty()) return bare;
  return BrokenCapability(
      absl::InvalidArgumentError("a call on a field of an answer that is itself a capability"));
}

AnswerHold::~AnswerHold() { connection_->LetGoOfAnswer(answer_, path_, this); }

void AwaitAt(Answer& answer, PipelinePath path, base::Ref<IncomingCall> call, Deferred& deferred) {
  const auto promised = answer.promised.find(path);
  AnswerWaiter& waiter = answer.waiting.emplace_back();
  waiter.path = std::move(path);
  if (promised == answer.promised.end() || !promised->second.waiter->promise->TryRef()) {
    waiter.call = std::move(call);
    return;
  }
  waiter.passed_on = call->answer_id();
  waiter.passed_to = base::Ref<PromiseCapability>::Adopt(promised->second.waiter->promise);
  waiter.passed_to->Deliver(std::move(call), deferred);
}

}  // namespace drover::rpc
