// An object that is exported for a limited time, which each use renews: for objects of clients that
// may forget them, or keep their connection for ever.
//
//   absl::StatusOr<kitchen::CookProxy> MakeCook() override {
//     drover::Lease<kitchen::CookProxy> lease(std::make_shared<Cook>(),
//                                             {.duration = absl::Minutes(5)});
//     return lease.proxy();                    // an ordinary CookProxy, for as long as it is used
//   }
//
// What is handed out is a proxy of the same type, as good as one of the object itself; what
// revocable.h says of that holds here, too. A call renews the lease twice: when it comes, and when
// it is answered; as long as one waits or runs the lease does not run out. When it has run out the
// object is let go of, whoever still has references, and calls fail.
//
// It is no more than a limit: an object to which nobody has a reference any more, a Lease among
// them, is gone at once, as any other. To let clients come back for it after a lost connection,
// export it under a name: server.Export("cart-17", lease.proxy()).
//
// Thread-safety: thread-safe, as a const shared_ptr is.
// Ownership: a Lease is a value; copies are the same lease, and each counts as a reference to the
// object. Dropping them ends nothing: the lease goes on as long as there are proxies. The object is
// destroyed, if the lease was its last reference: on the pool when time has run out, on the calling
// thread in End.
// Errors: calls give NotFound, "the lease ended: not used for 5m" or "the lease was ended";
// FailedPrecondition on what refers to no object. Calls of $Drover.idempotent methods that are lost
// are not sent again through it.
// Blocking: never blocks. The first lease starts the runtime's threads, so fleets come before it.
#ifndef DROVER_OBJECT_LEASE_H_
#define DROVER_OBJECT_LEASE_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "drover/base/ref.h"
#include "drover/object/proxy.h"
#include "drover/rpc/capability.h"

namespace drover {

namespace async {
class TimerSource;
}

struct LeaseOptions {
  // How long the object stays without being used. Default 10 min. Zero or less: it is over at once;
  // infinite: it lasts until End.
  absl::Duration duration = absl::Minutes(10);
  // Whose time it is. Default: that of Runtime::Default(), as for null; never the wall clock's,
  // which may be set. Tests have one of their own: see async/timer_source.h.
  std::shared_ptr<async::TimerSource> timers = nullptr;
};

namespace object {

class LeasedReference;

// A Lease without its type.
class LeaseHandle {
 public:
  LeaseHandle();
  LeaseHandle(const Proxy& object, const LeaseOptions& options);
  LeaseHandle(const LeaseHandle&);
  LeaseHandle(LeaseHandle&&) noexcept;
  LeaseHandle& operator=(LeaseHandle);
  ~LeaseHandle();

  Proxy proxy() const;
  bool alive() const;
  absl::Duration Remaining() const;
  absl::Status Extend(absl::Duration duration) const;
  void End() const;

 private:
  base::Ref<LeasedReference> reference_;
  std::shared_ptr<const CallOptions> options_;
};

}  // namespace object

template <class P>
class [[nodiscard]] Lease {
 public:
  // Of no object; not alive.
  Lease() = default;
  // Of what a proxy refers to, here or elsewhere, or of a servant of this process. Calls through
  // proxy() have the options of this one. Begins at once.
  explicit Lease(const P& object, const LeaseOptions& options = {}) : handle_(object, options) {}

  // What to hand out. Each is the same reference; null if there was no object.
  P proxy() const { return P(handle_.proxy()); }

  // Whether calls still reach the object.
  bool alive() const { return handle_.alive(); }
  // What is left unless somebody uses it: infinite while a call waits or runs, zero once it ended.
  absl::Duration Remaining() const { return handle_.Remaining(); }

  // Lets it last for at least `duration` from now on; never makes it shorter. Errors: NotFound if
  // it has ended; FailedPrecondition if there is no object.
  absl::Status Extend(absl::Duration duration) const { return handle_.Extend(duration); }
  // Ends it now: calls that come from now on fail, those that wait or run are answered. The first
  // end counts. (To cut them off, put a Revocable in front.)
  void End() const { handle_.End(); }

 private:
  object::LeaseHandle handle_;
};

}  // namespace drover

#endif  // DROVER_OBJECT_LEASE_H_
