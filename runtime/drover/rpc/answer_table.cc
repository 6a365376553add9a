#include "drover/rpc/answer_table.h"

#include <capnp/any.h>

#include <utility>

#include "drover/rpc.capnp.h"
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

base::Ref<PromiseCapability> PromiseAt(Answer& answer, const PipelinePath& path) {
  PromiseCapability*& promised = answer.promised[path];
  if (promised != nullptr) return base::Ref<PromiseCapability>::Share(promised);
  auto promise = base::MakeRef<PromiseCapability>();
  promised = promise.get();
  answer.waiting.push_back(
      {.path = path, .call = nullptr, .promise = promise, .passed_on = std::nullopt});
  return promise;
}

void AwaitAt(Answer& answer, PipelinePath path, base::Ref<IncomingCall> call, Deferred& deferred) {
  const auto promised = answer.promised.find(path);
  AnswerWaiter waiter{
      .path = std::move(path), .call = nullptr, .promise = nullptr, .passed_on = std::nullopt};
  if (promised == answer.promised.end()) {
    waiter.call = std::move(call);
  } else {
    waiter.passed_on = call->answer_id();
    promised->second->Deliver(std::move(call), deferred);
  }
  answer.waiting.push_back(std::move(waiter));
}

}  // namespace drover::rpc
