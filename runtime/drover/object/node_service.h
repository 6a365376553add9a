// What a server answers for itself, beside its front object: the Node interface of
// schema/drover/node.capnp.
//
// Thread-safe. Never blocks.
#ifndef DROVER_OBJECT_NODE_SERVICE_H_
#define DROVER_OBJECT_NODE_SERVICE_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/rpc/local_capability.h"

namespace drover::object {

class NodeService final : public rpc::Dispatcher {
 public:
  explicit NodeService(base::Ref<rpc::Capability> front) : front_(std::move(front)) {}

  // InvalidArgument for an empty name, AlreadyExists for one that is taken.
  absl::Status Export(const std::string& name, base::Ref<rpc::Capability> object);
  // NotFound if there is none.
  absl::Status Unexport(const std::string& name);
  // The server is shut down: lets go of every object.
  void Clear();

  void HandleCall(rpc::IncomingCall& call) override;
  bool IsConcurrent(uint64_t, uint16_t) const override { return true; }
  std::string MethodName(uint64_t interface_id, uint16_t method_id) const override;

 private:
  void Hello(rpc::IncomingCall& call);
  void Lookup(rpc::IncomingCall& call);
  void List(rpc::IncomingCall& call);
  void Describe(rpc::IncomingCall& call);
  // The object under a name, the front object under the empty one; null if there is none.
  base::Ref<rpc::Capability> Find(const std::string& name);

  base::Mutex mu_;
  base::Ref<rpc::Capability> front_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, base::Ref<rpc::Capability>> exports_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_NODE_SERVICE_H_
