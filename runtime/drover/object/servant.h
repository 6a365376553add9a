// The base of every object that can be called from elsewhere. Generated code derives from it:
// for `interface Worker`, WorkerServant (methods that return results, and may simply block) and
// WorkerAsyncServant (methods that return futures).
//
//   class Racer final : public race::WorkerServant {
//     absl::StatusOr<uint32_t> Calculate() override { ... }
//   };
//   auto server = drover::Serve("unix:///run/w.sock", std::make_shared<Racer>());
//
// Thread-safety: a servant runs one call at a time, in the order of arrival, so its members need
// no lock; methods marked $Drover.concurrent in the schema run beside others. A servant that calls
// itself through a proxy, directly or over others, waits for ever: the second call queues behind
// the first.
// Ownership: held by std::shared_ptr; a proxy of it anywhere, and a server that exports it, keep
// it alive. Its destructor runs on a thread that may block.
// Errors: what a method returns reaches the caller with its code and message. An exception that
// leaves a method becomes Internal.
#ifndef DROVER_OBJECT_SERVANT_H_
#define DROVER_OBJECT_SERVANT_H_

#include <cstdint>
#include <string>

#include "drover/object/interface_info.h"
#include "drover/rpc/local_capability.h"

namespace drover {

namespace object {
class ServerCall;
}

class Servant : public rpc::Dispatcher {
 public:
  // Generated code implements both.
  virtual const object::InterfaceInfo& Interface() const = 0;
  virtual void Dispatch(object::ServerCall& call) = 0;

  // A descriptor (a file, a pipe, shared memory) that goes with this object to every process it is
  // passed to over a UNIX socket, where proxy.attached_fd() gives a copy. Asked once, when the
  // first proxy of the object is made; Drover duplicates the descriptor, so the servant may close
  // its own. Default -1: none. Over TCP the object goes without it.
  virtual int AttachedFd() { return -1; }

 private:
  void HandleCall(rpc::IncomingCall& call) final;
  bool IsConcurrent(uint64_t interface_id, uint16_t method_id) const final;
  std::string MethodName(uint64_t interface_id, uint16_t method_id) const final;
  int DescriptorToAttach() final { return AttachedFd(); }
};

}  // namespace drover

#endif  // DROVER_OBJECT_SERVANT_H_
