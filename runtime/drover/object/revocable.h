// A reference that can be taken back from whoever has it: what E and Cap'n Proto call a caretaker.
//
//   drover::Revocable<kitchen::ListenerProxy> ear(std::make_shared<Ear>());
//   DROVER_RETURN_IF_ERROR(stranger.Keep(ear.proxy()));       // an ordinary ListenerProxy
//   ...
//   ear.Revoke();                                             // from now on it leads nowhere
//
// What is handed out is a proxy of the same type, as good as one of the object itself: order,
// cancellation, deadlines, streams and descriptors are the object's. It has an identity of its own,
// which compares unequal to the object's. Passed on to anybody else it ends all the same, and it
// ends at once, wherever it has got to. Objects in results and params of its calls are not wrapped,
// and stay; neither do descriptors come back that went with it.
//
// Revoke lets later calls fail, and those under way, from wherever they come: these are cancelled,
// those that wait for their turn never begin if the object is of this process, and no result leaves
// any more. One call is spared: the one whose method calls Revoke, which gives its answer.
//
// Thread-safety: thread-safe, except for moving and destroying.
// Ownership: move-only. Destroying it revokes the reference, unless Detach() was called. The object
// is kept until it is revoked; a call that runs keeps it until it has ended. If what Revoke lets go
// of was the last reference to a servant, that is destroyed on the thread that called Revoke.
// Errors: calls give PermissionDenied, "the reference was revoked", with the reason if one was
// given; FailedPrecondition on what refers to no object.
// Calls of $Drover.idempotent methods that are lost are not sent again through it.
// Blocking: never blocks.
#ifndef DROVER_OBJECT_REVOCABLE_H_
#define DROVER_OBJECT_REVOCABLE_H_

#include <memory>
#include <string_view>
#include <utility>

#include "drover/base/ref.h"
#include "drover/object/proxy.h"
#include "drover/rpc/capability.h"

namespace drover {

namespace rpc {
class Caretaker;
}

namespace object {

// A Revocable without its type.
class RevocableReference {
 public:
  RevocableReference();
  explicit RevocableReference(const Proxy& object);
  RevocableReference(RevocableReference&&) noexcept;
  RevocableReference& operator=(RevocableReference&&) noexcept;
  ~RevocableReference();

  Proxy proxy() const;
  void Revoke(std::string_view reason);
  bool revoked() const;
  void Detach();

 private:
  base::Ref<rpc::Caretaker> caretaker_;
  std::shared_ptr<const CallOptions> options_;
};

}  // namespace object

template <class P>
class [[nodiscard]] Revocable {
 public:
  // Of no object.
  Revocable() = default;
  // Of what a proxy refers to, here or elsewhere, or of a servant of this process. Calls through
  // proxy() have the options of this one.
  explicit Revocable(const P& object) : reference_(object) {}

  // What to hand out. Each is the same reference; null after Detach, or if there was no object.
  P proxy() const { return P(reference_.proxy()); }

  // Ends the reference. The first call counts.
  void Revoke(std::string_view reason = {}) { reference_.Revoke(reason); }
  bool revoked() const { return reference_.revoked(); }

  // Leaves the reference to those who have it: it cannot be revoked any more.
  void Detach() { reference_.Detach(); }

 private:
  object::RevocableReference reference_;
};

}  // namespace drover

#endif  // DROVER_OBJECT_REVOCABLE_H_
