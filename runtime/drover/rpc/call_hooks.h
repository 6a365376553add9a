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
  // Whether it wants to know before a call runs.
  bool intervenes() const { return intervenes_; }

  // If it intervenes. A call of the peer is about to run, or to be forwarded, on this thread, which
  // may run user code. Not OK: it does not, and is answered with that.
  virtual absl::Status BeforeServing(IncomingCall& call) = 0;
  // A call that was given to BeforeServing, or would have been, is about to be answered; on any
  // thread, no lock held.
  virtual void AfterServing(IncomingCall& call, const absl::Status& status) = 0;

 protected:
  explicit CallHooks(bool intervenes = true) : intervenes_(intervenes) {}

 private:
  const bool intervenes_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_CALL_HOOKS_H_
