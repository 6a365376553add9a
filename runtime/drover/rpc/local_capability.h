// An object of this process, as a capability: calls go through the strand of its servant.
#ifndef DROVER_RPC_LOCAL_CAPABILITY_H_
#define DROVER_RPC_LOCAL_CAPABILITY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "drover/base/mutex.h"
#include "drover/rpc/capability.h"
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

  const base::Ref<Strand>& strand() const { return strand_; }

 protected:
  Dispatcher();

 private:
  friend class LocalCapability;

  const base::Ref<Strand> strand_;
  base::Mutex mu_;
  LocalCapability* capability_ ABSL_GUARDED_BY(mu_) = nullptr;
};

class LocalCapability final : public Capability {
 public:
  // The one capability of `dispatcher`, so that one object has one identity.
  static base::Ref<LocalCapability> Of(std::shared_ptr<Dispatcher> dispatcher);
  ~LocalCapability() override;

  void Deliver(base::Ref<IncomingCall> call, Deferred& deferred) override;

  Dispatcher& dispatcher() { return *dispatcher_; }

 private:
  explicit LocalCapability(std::shared_ptr<Dispatcher> dispatcher)
      : Capability(Kind::kLocal), dispatcher_(std::move(dispatcher)) {}

  const std::shared_ptr<Dispatcher> dispatcher_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_LOCAL_CAPABILITY_H_
