// What a server answers for itself, beside its front object: the Node interface of
// schema/drover/node.capnp.
//
// Thread-safe. Nothing but the constructor's moment blocks: see SetHost.
#ifndef DROVER_OBJECT_NODE_SERVICE_H_
#define DROVER_OBJECT_NODE_SERVICE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/object/server_stats.h"
#include "drover/rpc/local_capability.h"

namespace drover::object {

// The server that it speaks for.
class NodeHost {
 public:
  virtual ServerStats Stats() = 0;
  // Begins to stop; returns at once.
  virtual void Drain() = 0;

 protected:
  ~NodeHost() = default;
};

class NodeService final : public rpc::Dispatcher {
 public:
  NodeService(base::Ref<rpc::Capability> front, bool trusts_all)
      : trusts_all_(trusts_all), front_(std::move(front)) {}

  // To be called once. A call that needs it waits until then.
  void SetHost(std::weak_ptr<NodeHost> host);

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
  void Stats(rpc::IncomingCall& call);
  void Drain(rpc::IncomingCall& call);
  void ShareMemory(rpc::IncomingCall& call);
  // Whether the caller may look behind the front; if not, the call has been answered.
  bool CheckTrusted(rpc::IncomingCall& call);
  // Null if the server is gone.
  std::shared_ptr<NodeHost> Host();
  void Describe(rpc::IncomingCall& call);
  // The object under a name, the front object under the empty one; null if there is none.
  base::Ref<rpc::Capability> Find(const std::string& name);

  const bool trusts_all_;
  base::Mutex mu_;
  base::Ref<rpc::Capability> front_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, base::Ref<rpc::Capability>> exports_ ABSL_GUARDED_BY(mu_);
  base::CondVar host_is_set_;
  bool has_host_ ABSL_GUARDED_BY(mu_) = false;
  std::weak_ptr<NodeHost> host_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_NODE_SERVICE_H_
