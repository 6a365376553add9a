// The front object of whatever serves an endpoint, over as many connections as it takes: the first
// call dials, and a call after the connection was lost dials again. Calls in flight when it is lost
// fail (OnLost); whether they are sent again is their sender's affair, who asks retry_budget.
//
// Thread-safe. Send may block while it dials, as transport::Dial says; if calls wait for the server
// to be ready (DurableOptions::ready), the pool dials and Send never blocks.
#ifndef DROVER_RPC_DURABLE_CAPABILITY_H_
#define DROVER_RPC_DURABLE_CAPABILITY_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "drover/async/runtime.h"
#include "drover/base/mutex.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/forwarding_capability.h"
#include "drover/rpc/ready_queue.h"
#include "drover/rpc/retry_budget.h"
#include "drover/transport/dial.h"
#include "drover/transport/endpoint.h"

namespace drover::rpc {

struct DurableOptions {
  Runtime* runtime = nullptr;
  size_t max_frame_bytes = 64 << 20;
  Limits limits = {};
  Liveness liveness = {};
  base::Ref<CallHooks> hooks;  // of every connection, or null
  ReadyOptions ready;
  double retry_tokens = 10;
  double retry_token_ratio = 0.1;
  transport::DialOptions dial;
  SharedMemoryTerms::Use shared_memory = SharedMemoryTerms::Use::kNever;
};

class DurableCapability final : public ForwardingCapability, public ReadySource {
 public:
  DurableCapability(Endpoint endpoint, DurableOptions options);
  ~DurableCapability() override;

  void Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler) override;
  // The same from the pool, for threads that must not block.
  void SendLater(OutgoingCall call, base::Ref<ReturnHandler> handler);
  CallHooks* hooks() const override { return options_.hooks.get(); }
  base::Ref<transport::SharedArena> arena() const override;
  RetryBudget& retry_budget() { return retry_budget_; }

  base::Ref<Capability> Ready() override;
  absl::StatusOr<base::Ref<Capability>> MakeReady() override;
  bool WorthWaiting(const absl::Status& failure) override;
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  // Null if no connection is there.
  base::Ref<Capability> Connected();
  absl::StatusOr<base::Ref<Capability>> Front();
  absl::Status CheckDialable(bool again);
  base::Ref<Capability> Adopt(std::unique_ptr<transport::ByteStream> stream)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  ReadyQueue& Queue();
  Runtime& runtime();

  const Endpoint endpoint_;
  const DurableOptions options_;
  const uint32_t fork_generation_;
  RetryBudget retry_budget_;
  // Held while a calling thread dials: others have nothing better to do than to wait.
  mutable base::Mutex mu_;
  base::Ref<Connection> connection_ ABSL_GUARDED_BY(mu_);
  base::Ref<Capability> front_ ABSL_GUARDED_BY(mu_);
  base::Ref<ReadyQueue> ready_queue_ ABSL_GUARDED_BY(mu_);  // if calls wait
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_DURABLE_CAPABILITY_H_
