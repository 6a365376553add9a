// What the layer above does around the calls of a connection. One for all connections of a server,
// or of a durable proxy.
//
// Thread-safe, as implementations have to be.
#ifndef DROVER_RPC_CALL_HOOKS_H_
#define DROVER_RPC_CALL_HOOKS_H_

#include "absl/status/status.h"
#include "drover/base/ref.h"

namespace drover::rpc {

class IncomingCall;

class CallHooks : public base::RefCounted {
 public:
  // A call of the peer is about to run, or to be forwarded, on this thread, which may run user
  // code. Not OK: it does not, and is answered with that.
  virtual absl::Status BeforeServing(IncomingCall& call) = 0;
  // A call that was given to BeforeServing is about to be answered; on any thread, no lock held.
  virtual void AfterServing(IncomingCall& call, const absl::Status& status) = 0;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_CALL_HOOKS_H_
