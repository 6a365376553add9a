// A reference to an object, wherever it is: in this process, at the far end of a connection, not
// known yet, or lost. What proxies hold and what travels inside messages.
//
// Thread-safe. Reference-counted; dropping the last reference to a remote object tells its host.
// Send and Deliver never block and never throw: a failed call ends in its ReturnHandler.
#ifndef DROVER_RPC_CAPABILITY_H_
#define DROVER_RPC_CAPABILITY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "drover/base/ref.h"
#include "drover/base/shared_fd.h"

namespace drover::transport {
class SharedArena;
}

namespace drover::rpc {

class CallHooks;
class Connection;
class Deferred;
class IncomingCall;
class OutgoingCall;
class ReturnHandler;
class WeakReference;

// A Disembargo that came from the peer of `connection` and goes back to it, behind the calls that
// travelled the same way before.
struct Echo {
  base::Ref<Connection> connection;
  uint32_t embargo = 0;
};

class Capability : public base::RefCounted {
 public:
  enum class Kind { kLocal, kRemote, kRemotePromise, kPromise, kDurable, kCaretaker, kBroken };

  Kind kind() const { return kind_; }

  // Makes a call whose params are built. `handler` gets the one Return.
  virtual void Send(OutgoingCall&& call, base::Ref<ReturnHandler> handler);

  // Accepts a call that arrived for this object. Calls run, or travel on, in the order in which
  // they are delivered. Called under a connection's lock: what must follow goes into `deferred`.
  virtual void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) = 0;

  // The same for an echo. One that does not lead back to where it came from ends its connection.
  virtual void DeliverEcho(Echo echo, Deferred& deferred);

  // Whether delivered calls are still to travel on, so that one made by Send would overtake them.
  virtual bool HasPendingCalls() const { return false; }

  // What the layer above keeps with it (one thing of one kind), as long as it lives; null at first.
  base::RefCounted* attached() const { return attached_.load(std::memory_order_acquire); }
  // The first one stays; returns that.
  base::RefCounted& Attach(base::Ref<base::RefCounted> made);

  // Those of the connection that calls leave on; null for none, or if that is not known yet. As
  // long as the capability lives.
  virtual CallHooks* hooks() const { return nullptr; }
  // Memory where large params of calls on it are best built: its host reads them there. Null if
  // there is none now; calls built elsewhere, or for what it was before, go there as well.
  virtual base::Ref<transport::SharedArena> arena() const;
  // Bytes of the one-way calls made on it that are to be answered all the same (object/one_way.h).
  std::atomic<size_t>& unanswered() { return unanswered_; }
  // What outlives it, for those who refer to it without keeping it: weak_reference.h. Null if
  // nobody asked for one.
  WeakReference* weak() const { return weak_.load(std::memory_order_acquire); }
  WeakReference& MakeWeak();

  // The descriptor that goes with the object where it is passed on; null for none. Takes no lock.
  virtual base::Ref<base::SharedFd> AttachedFd() const { return nullptr; }

 protected:
  explicit Capability(Kind kind) : kind_(kind) {}
  ~Capability() override;

 private:
  const Kind kind_;
  std::atomic<base::RefCounted*> attached_{nullptr};
  std::atomic<WeakReference*> weak_{nullptr};  // ours; set once
  std::atomic<size_t> unanswered_{0};
};

// Every call of it fails with `status`.
base::Ref<Capability> BrokenCapability(absl::Status status);
// The status of one that is broken.
const absl::Status& ErrorOf(const Capability& broken);

}  // namespace drover::rpc

#endif  // DROVER_RPC_CAPABILITY_H_
