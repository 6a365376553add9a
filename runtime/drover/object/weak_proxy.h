// A reference that does not keep its object alive, and learns of its death.
//
//   drover::WeakProxy<kitchen::ListenerProxy> weak(listener);
//   if (kitchen::ListenerProxy strong = weak.Lock()) strong.Heard("news");
//   drover::Future<void> forgotten =
//       weak.Died().Then([this, id](absl::Status) { Forget(id); });
//
// What it learns, and when, depends on where the object is:
//
//   a servant of this process   Lock gives a proxy as long as the servant lives: a proxy anywhere,
//   a
//                               server that exports it, a shared_ptr of the program or a call that
//                               runs may be what keeps it. Died: OK, when it has been destroyed
//   an object of a peer         Lock gives a proxy as long as this process has another one and the
//                               connection lasts. Died: Unavailable, which says why, when the
//                               connection ends; FailedPrecondition when the last proxy of it in
//                               this process goes, since nothing is heard of the object afterwards.
//                               Cap'n Proto has no message that says that an object is gone: as
//                               long as somebody refers to it, its host keeps it
//   what Connect gives          the same without the connection: a lost one is made again, so it is
//                               no death
//   a leased or revocable       the same as a servant, and besides that Died: NotFound when the
//   reference of this process   lease ends, PermissionDenied when it is revoked. One that came from
//                               a peer is an object of that peer
//   what is not known yet       (Pipeline) what it turns out to be; its error, if it fails. Who
//   drops
//                               all proxies before that gets FailedPrecondition
//
// Lock gives an empty proxy once the object is dead. Between its last reference going and Died
// stands the servant's destructor: Lock is empty before, Died comes after it.
//
// Thread-safety: thread-safe, as a const shared_ptr is.
// Ownership: a value; copies are the same. Keeps neither object nor connection.
// Errors: those of Died, above; Cancelled if its future was cancelled. In a forked child nobody
// dies. Blocking: never blocks, except that a proxy from Lock may be the last one.
#ifndef DROVER_OBJECT_WEAK_PROXY_H_
#define DROVER_OBJECT_WEAK_PROXY_H_

#include <memory>
#include <utility>

#include "drover/async/future.h"
#include "drover/base/ref.h"
#include "drover/object/proxy.h"
#include "drover/rpc/capability.h"

namespace drover {

namespace rpc {
class WeakReference;
}

namespace object {

// A WeakProxy without its type.
class WeakHandle {
 public:
  WeakHandle();
  explicit WeakHandle(const Proxy& object);
  WeakHandle(const WeakHandle&);
  WeakHandle(WeakHandle&&) noexcept;
  WeakHandle& operator=(WeakHandle);
  ~WeakHandle();

  Proxy Lock() const;
  bool dead() const;
  Future<void> Died() const;

 private:
  base::Ref<rpc::WeakReference> reference_;
  std::shared_ptr<const CallOptions> options_;
};

}  // namespace object

template <class P>
class WeakProxy {
 public:
  // Of no object, dead: Died gives FailedPrecondition.
  WeakProxy() = default;
  // Of what a proxy refers to, or of a servant of this process, which somebody else keeps.
  explicit WeakProxy(const P& object) : handle_(object) {}

  // A proxy of the object, with the options of the first one; an empty one if it is dead.
  P Lock() const { return P(handle_.Lock()); }
  // Whether Lock gives nothing, for good.
  bool dead() const { return handle_.dead(); }

  // Completes when the object dies, with the status that the table above says; at once if it is
  // dead. May be asked for as often as is wanted; cancelling or dropping it changes nothing else.
  Future<void> Died() const { return handle_.Died(); }

 private:
  object::WeakHandle handle_;
};

}  // namespace drover

#endif  // DROVER_OBJECT_WEAK_PROXY_H_
