// A reference to an object, wherever it is: in this process, at the far end of a connection, not
// known yet, or lost. What proxies hold and what travels inside messages.
//
// Thread-safe. Reference-counted; dropping the last reference to a remote object tells its host.
// Send and Deliver never block and never throw: a failed call ends in its ReturnHandler.
#ifndef DROVER_RPC_CAPABILITY_H_
#define DROVER_RPC_CAPABILITY_H_

#include "absl/status/status.h"
#include "drover/base/ref.h"
#include "drover/base/shared_fd.h"

namespace drover::rpc {

class Deferred;
class IncomingCall;
class OutgoingCall;
class ReturnHandler;

class Capability : public base::RefCounted {
 public:
  enum class Kind { kLocal, kRemote, kBootstrap, kPromise, kDurable, kBroken };

  Kind kind() const { return kind_; }

  // Makes a call whose params are built. `handler` gets the one Return.
  virtual void Send(OutgoingCall call, base::Ref<ReturnHandler> handler);

  // Accepts a call that arrived for this object. Calls run, or travel on, in the order in which
  // they are delivered. Called under a connection's lock: what must follow goes into `deferred`.
  virtual void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) = 0;

  // The descriptor that goes with the object where it is passed on; null for none. Takes no lock.
  virtual base::Ref<base::SharedFd> AttachedFd() const { return nullptr; }

 protected:
  explicit Capability(Kind kind) : kind_(kind) {}

 private:
  const Kind kind_;
};

// Every call of it fails with `status`.
base::Ref<Capability> BrokenCapability(absl::Status status);

}  // namespace drover::rpc

#endif  // DROVER_RPC_CAPABILITY_H_
