// An object of this process, as a capability: calls go through the strand of its servant.
#ifndef DROVER_RPC_LOCAL_CAPABILITY_H_
#define DROVER_RPC_LOCAL_CAPABILITY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "drover/base/mutex.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/life.h"
#include "drover/rpc/strand.h"

namespace drover::rpc {

class LocalCapability;

// What calls are dispatched to: the base of every servant.
//
// HandleCall runs on a thread that may block, one call at a time for each dispatcher unless the
// method is concurrent. Thread-safe but for HandleCall.
class Dispatcher {
 public:
  virtual ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Answers `call`, now or later.
  virtual void HandleCall(IncomingCall& call) = 0;
  virtual bool IsConcurrent(uint64_t interface_id, uint16_t method_id) const = 0;
  // For errors: "Worker.calculate".
  virtual std::string MethodName(uint64_t interface_id, uint16_t method_id) const;
  static std::string NameUnknown(uint64_t interface_id, uint16_t method_id);
  // A descriptor to go with the object; asked for once, before anybody refers to it. -1: none.
  virtual int DescriptorToAttach() { return -1; }

  const base::Ref<Strand>& strand() const { return strand_; }
  // Ends, with OK, when this has been destroyed.
  base::Ref<Life> life();

 protected:
  Dispatcher();

 private:
  friend class LocalCapability;

  const base::Ref<Strand> strand_;
  base::Mutex mu_;
  bool asked_for_fd_ ABSL_GUARDED_BY(mu_) = false;
  base::Ref<base::SharedFd> fd_ ABSL_GUARDED_BY(mu_);
  LocalCapability* capability_ ABSL_GUARDED_BY(mu_) = nullptr;
  base::Ref<Life> life_ ABSL_GUARDED_BY(mu_);  // if anybody asked
};

class LocalCapability final : public Capability {
 public:
  // The one capability of `dispatcher`, so that one object has one identity.
  static base::Ref<LocalCapability> Of(std::shared_ptr<Dispatcher> dispatcher);
  // Lets go of the dispatcher: on this thread if that may run user code, otherwise on the pool.
  ~LocalCapability() override;

  void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) override;

  base::Ref<base::SharedFd> AttachedFd() const override { return fd_; }

  Dispatcher& dispatcher() { return *dispatcher_; }
  std::weak_ptr<Dispatcher> WeakDispatcher() const { return dispatcher_; }

 private:
  static void AskForFd(Dispatcher& dispatcher);

  LocalCapability(std::shared_ptr<Dispatcher> dispatcher, base::Ref<base::SharedFd> fd)
      : Capability(Kind::kLocal), dispatcher_(std::move(dispatcher)), fd_(std::move(fd)) {}

  std::shared_ptr<Dispatcher> dispatcher_;
  const base::Ref<base::SharedFd> fd_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_LOCAL_CAPABILITY_H_
