#include "drover/object/node_service.h"

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "drover/async/thread_context.h"
#include "drover/node.capnp.h"
#include "drover/object/fields_internal.h"
#include "drover/object/interface_info.h"
#include "drover/object/servant.h"
#include "drover/object/server_stats_internal.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/message_caps.h"
#include "drover/rpc/one_way.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/shared_memory_upgrade.h"

namespace drover::object {
namespace {

using protocol::Node;

constexpr const char* kMethods[] = {"hello", "lookup", "list",  "describe",
                                    "ping",  "stats",  "drain", "shareMemory"};

// Whether the caller may look behind the front: a process of the same user, on this machine.
bool IsTrusted(const rpc::IncomingCall& call) {
  if (!call.connection()) return true;
  const auto& uid = call.connection()->peer().uid;
  return uid.has_value() && *uid == geteuid();
}

absl::Status NotExported(const std::string& name) {
  return absl::NotFoundError(absl::StrCat("no object is exported as \"", name, "\""));
}

// What was generated for the object's interface. An object of another process may be of any
// interface: what it was declared as, where it came from, is not known any more.
absl::StatusOr<const InterfaceInfo*> InterfaceOf(const base::Ref<rpc::Capability>& object) {
  const base::Ref<rpc::Capability> known = rpc::PromiseCapability::Follow(object);
  if (known->kind() != rpc::Capability::Kind::kLocal) {
    return absl::FailedPreconditionError(
        "cannot be described here: it is an object of another process, passed on");
  }
  const auto* servant =
      dynamic_cast<const Servant*>(&static_cast<rpc::LocalCapability&>(*known).dispatcher());
  if (servant == nullptr || servant->Interface().schema_nodes == nullptr) {
    return absl::FailedPreconditionError(
        "cannot be described: its interface was not generated from a schema");
  }
  return &servant->Interface();
}

}  // namespace

absl::Status NodeService::Export(const std::string& name, base::Ref<rpc::Capability> object) {
  if (name.empty()) return absl::InvalidArgumentError("an object was exported without a name");
  base::MutexLock lock(&mu_);
  if (!exports_.emplace(name, std::move(object)).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("an object is exported as \"", name, "\" already"));
  }
  return absl::OkStatus();
}

absl::Status NodeService::Unexport(const std::string& name) {
  base::Ref<rpc::Capability> dropped;  // outlives the lock
  base::MutexLock lock(&mu_);
  const auto it = exports_.find(name);
  if (it == exports_.end()) {
    return NotExported(name);
  }
  dropped = std::move(it->second);
  exports_.erase(it);
  return absl::OkStatus();
}

void NodeService::SetHost(std::weak_ptr<NodeHost> host) {
  base::MutexLock lock(&mu_);
  host_ = std::move(host);
  has_host_ = true;
  host_is_set_.SignalAll();
}

std::shared_ptr<NodeHost> NodeService::Host() {
  async::BlockingScope blocking;  // for the moment between the first client and the end of Serve
  base::MutexLock lock(&mu_);
  while (!has_host_) host_is_set_.Wait(&mu_);
  return host_.lock();
}

void NodeService::Clear() {
  base::Ref<rpc::Capability> front;  // outlive the lock
  std::map<std::string, base::Ref<rpc::Capability>> exports;
  base::MutexLock lock(&mu_);
  front = std::move(front_);
  exports.swap(exports_);
}

std::string NodeService::MethodName(uint64_t interface_id, uint16_t method_id) const {
  if (method_id >= std::size(kMethods)) return Dispatcher::MethodName(interface_id, method_id);
  return absl::StrCat("Node.", kMethods[method_id]);
}

base::Ref<rpc::Capability> NodeService::Find(const std::string& name) {
  base::MutexLock lock(&mu_);
  if (name.empty()) return front_;
  const auto it = exports_.find(name);
  return it == exports_.end() ? nullptr : it->second;
}

void NodeService::HandleCall(rpc::IncomingCall& call) {
  switch (call.method_id()) {
    case protocol::NODE_HELLO:
      return Hello(call);
    case protocol::NODE_LOOKUP:
      return Lookup(call);
    case protocol::NODE_LIST:
      return List(call);
    case protocol::NODE_DESCRIBE:
      return Describe(call);
    case protocol::NODE_PING:
      call.results().initAs<Node::PingResults>();
      return call.ReturnResults();
    case protocol::NODE_STATS:
      return Stats(call);
    case protocol::NODE_DRAIN:
      return Drain(call);
    case protocol::NODE_SHARE_MEMORY:
      return ShareMemory(call);
    default:
      return call.ReturnError(absl::UnimplementedError(
          absl::StrCat(MethodName(call.interface_id(), call.method_id()), " is not implemented")));
  }
}

void NodeService::Hello(rpc::IncomingCall& call) {
  uint64_t nonce = 0;
  if (call.connection() && call.peer_call().hasExtension()) {
    nonce = call.peer_call().getExtension().getAs<protocol::CallExtension>().getNonce();
  }
  auto results = call.results().initAs<Node::HelloResults>();
  const base::Ref<rpc::Connection> connection = call.connection();
  uint64_t window = 0;
  if (nonce != 0) {
    window = call.params().getAs<Node::HelloParams>().getOneWayWindow();
    connection->EnableExtensions(/*one_way_window=*/0);
    results.setOneWayWindow(rpc::OneWay::Window(*connection));
  }
  results.setNonce(nonce);
  results.setVersion(protocol::NODE_VERSION);
  call.ReturnResults();
  // Behind the answer: a peer that has not read that takes a one-way call for one with an answer.
  if (nonce != 0) {
    connection->WithLock([window](rpc::ConnectionState& s) { s.one_way.granted = window; });
  }
}

void NodeService::Lookup(rpc::IncomingCall& call) {
  const std::string name = ToString(call.params().getAs<Node::LookupParams>().getName());
  base::Ref<rpc::Capability> object = Find(name);
  if (!object) return call.ReturnError(NotExported(name));
  rpc::SetCapability(call.results().initAs<Node::LookupResults>().getObject(), std::move(object));
  call.ReturnResults();
}

bool NodeService::CheckTrusted(rpc::IncomingCall& call) {
  if (trusts_all_ || IsTrusted(call)) return true;
  call.ReturnError(absl::PermissionDeniedError(
      absl::StrCat(MethodName(call.interface_id(), call.method_id()),
                   " is for processes of the same user (ServerOptions::allow_remote_control)")));
  return false;
}

void NodeService::List(rpc::IncomingCall& call) {
  if (!CheckTrusted(call)) return;
  base::MutexLock lock(&mu_);
  auto names =
      call.results().initAs<Node::ListResults>().initNames(static_cast<unsigned>(exports_.size()));
  unsigned i = 0;
  for (const auto& [name, object] : exports_) names.set(i++, name);
  call.ReturnResults();
}

void NodeService::Stats(rpc::IncomingCall& call) {
  if (!CheckTrusted(call)) return;
  const std::shared_ptr<NodeHost> host = Host();
  if (host == nullptr) return call.ReturnError(absl::UnavailableError("the server is gone"));
  WriteStats(host->Stats(), call.results().initAs<Node::StatsResults>().initStats());
  call.ReturnResults();
}

void NodeService::Drain(rpc::IncomingCall& call) {
  if (!CheckTrusted(call)) return;
  const std::shared_ptr<NodeHost> host = Host();
  if (host == nullptr) return call.ReturnError(absl::UnavailableError("the server is gone"));
  host->Drain();  // which waits until this call is answered
  call.results().initAs<Node::DrainResults>();
  call.ReturnResults();
}

void NodeService::ShareMemory(rpc::IncomingCall& call) {
  if (call.connection()) return rpc::SharedMemoryUpgrade::Answer(call);
  call.ReturnError(absl::FailedPreconditionError("a caller of the same process shares its memory"));
}

void NodeService::Describe(rpc::IncomingCall& call) {
  const std::string name = ToString(call.params().getAs<Node::DescribeParams>().getName());
  const base::Ref<rpc::Capability> object = Find(name);
  if (!object) return call.ReturnError(NotExported(name));
  const absl::StatusOr<const InterfaceInfo*> interface = InterfaceOf(object);
  if (!interface.ok()) {
    const std::string what = name.empty() ? "the front object" : absl::StrCat("\"", name, "\"");
    return call.ReturnError(absl::Status(interface.status().code(),
                                         absl::StrCat(what, " ", interface.status().message())));
  }
  const std::vector<std::string> nodes = (*interface)->schema_nodes();
  auto results = call.results().initAs<Node::DescribeResults>();
  results.setInterfaceId((*interface)->id);
  auto out = results.initNodes(static_cast<unsigned>(nodes.size()));
  for (unsigned i = 0; i < nodes.size(); ++i) {
    const auto* bytes = reinterpret_cast<const capnp::byte*>(nodes[i].data());
    out.set(i, kj::arrayPtr(bytes, nodes[i].size()));
  }
  call.ReturnResults();
}

}  // namespace drover::object
