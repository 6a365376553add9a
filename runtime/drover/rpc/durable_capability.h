// The front object of whatever serves an endpoint, over as many connections as it takes: the first
// call dials, and a call after the connection was lost dials again. Calls in flight when it is lost
// fail and are never sent again.
//
// Thread-safe. Send may block while it dials, as transport::Dial says.
#ifndef DROVER_RPC_DURABLE_CAPABILITY_H_
#define DROVER_RPC_DURABLE_CAPABILITY_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "drover/async/runtime.h"
#include "drover/base/mutex.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/forwarding_capability.h"
#include "drover/transport/dial.h"
#include "drover/transport/endpoint.h"

namespace drover::rpc {

struct DurableOptions {
  Runtime* runtime = nullptr;
  size_t max_frame_bytes = 64 << 20;
  Limits limits = {};
  Liveness liveness = {};
  transport::DialOptions dial;
};

class DurableCapability final : public ForwardingCapability {
 public:
  DurableCapability(Endpoint endpoint, DurableOptions options);
  ~DurableCapability() override;

  void Send(OutgoingCall call, base::Ref<ReturnHandler> handler) override;

 private:
  absl::StatusOr<base::Ref<Capability>> Front();

  const Endpoint endpoint_;
  const DurableOptions options_;
  const uint32_t fork_generation_;
  base::Mutex mu_;  // held while dialling: others have nothing better to do than to wait
  base::Ref<Connection> connection_ ABSL_GUARDED_BY(mu_);
  base::Ref<Capability> front_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_DURABLE_CAPABILITY_H_
