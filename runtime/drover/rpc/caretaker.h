// A reference that can be closed: it passes its calls on to an object until then, and every call
// fails afterwards. What makes references revocable, and lets them end with time.
//
//   auto caretaker = base::MakeRef<Caretaker>(object);
//   ...                                               // handed out in place of the object
//   caretaker->Close(absl::PermissionDeniedError("revoked"), Caretaker::Running::kFail);
//
// To everybody else it is an object of this process, with an identity of its own. A call that
// passes stays the same call: its order, caller, deadline and cancellation are not touched. The
// objects in its results are not wrapped.
//
// Thread-safe; nothing blocks. It keeps the object until it is closed; a call that runs in it keeps
// it longer. Close lets go of it on the calling thread.
#ifndef DROVER_RPC_CARETAKER_H_
#define DROVER_RPC_CARETAKER_H_

#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/base/shared_fd.h"
#include "drover/rpc/capability.h"

namespace drover::rpc {

class Caretaker : public Capability {
 public:
  explicit Caretaker(base::Ref<Capability> object);
  ~Caretaker() override;

  void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) override;
  base::Ref<base::SharedFd> AttachedFd() const override;

  // What becomes of the calls that have passed and are not answered.
  enum class Running {
    kFail,    // they fail as later ones do, and are cancelled; except the one that closes it
    kFinish,  // they are answered
  };
  // From now on every call fails with `why`, which is not OK. False, with nothing done, if it has
  // been closed before.
  bool Close(const absl::Status& why, Running running);
  // OK until it is closed.
  absl::Status closed() const;

  // For a call that has passed: it has been answered.
  void Answered(IncomingCall& call);

 protected:
  // What Close has to do with no lock held.
  struct Closing {
    bool first = false;
    absl::Status why;
    base::Ref<Capability> object;
    std::vector<base::Ref<IncomingCall>> cut;
  };
  Closing BeginClose(const absl::Status& why, Running running) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool FinishClose(Closing closing);

  // As closed(), for those who have the lock.
  const absl::Status& closed_reason() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return closed_; }

  // A call comes, possibly under the lock of a connection. May close the reference with BeginClose,
  // and gives what that gave then.
  virtual Closing CallBegan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // One has been answered; no lock is held.
  virtual void CallEnded() {}

  mutable base::Mutex mu_;

 private:
  base::Ref<Capability> object_ ABSL_GUARDED_BY(mu_);  // null once it is closed
  absl::Status closed_ ABSL_GUARDED_BY(mu_);
  // Not answered yet; each takes itself off before it is destroyed.
  absl::flat_hash_set<IncomingCall*> running_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_CARETAKER_H_
