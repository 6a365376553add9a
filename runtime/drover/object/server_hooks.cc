#include "drover/object/server_hooks.h"

#include <memory>

#include "drover/async/inline_clock.h"
#include "drover/async/thread_context.h"
#include "drover/node.capnp.h"
#include "drover/object/interception.h"
#include "drover/rpc/incoming_call.h"

namespace drover::object {
namespace {

class Served final : public ServedCall {
 public:
  explicit Served(rpc::IncomingCall& call)
      : ServedCall(call.method_name(), CallContext(base::Ref<rpc::IncomingCall>::Share(&call))) {}
  std::vector<Done> TakeDone() { return std::move(done_); }
};

class DoneState final : public rpc::HookState {
 public:
  explicit DoneState(DoneList list) : list_(std::move(list)) {}
  void Run(const absl::Status& status) { list_.Run(status); }

 private:
  DoneList list_;
};

bool IsOurOwn(const rpc::IncomingCall& call) {
  return call.interface_id() == protocol::NODE_INTERFACE_ID ||
         call.interface_id() == protocol::OBJECT_INTERFACE_ID;
}

}  // namespace

absl::Status ServerHooks::BeforeServing(rpc::IncomingCall& call) {
  if (IsOurOwn(call)) return absl::OkStatus();
  Served served(call);
  absl::Status status = RunInterceptors(interceptors_, served);
  DoneList done(served.TakeDone());
  if (!done.empty()) call.hook_state = std::make_unique<DoneState>(std::move(done));
  return status;
}

void ServerHooks::AfterServing(rpc::IncomingCall& call, const absl::Status& status) {
  if (IsOurOwn(call)) return;
  async::InlineClock& clock = async::ThreadContext::Current().clock;
  statistics_.Record(call, status, clock.End() - call.began());
  if (!call.hook_state) return;
  static_cast<DoneState&>(*call.hook_state).Run(status);
  clock.Forget();
}

}  // namespace drover::object
