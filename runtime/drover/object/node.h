// What every Drover server answers for itself, whatever its front object is.
//
//   auto node = drover::Connect<drover::NodeProxy>("unix:///run/w.sock");
//   DROVER_ASSIGN_OR_RETURN(drover::ServerStats stats, node.Stats());
//   for (const drover::MethodStats& m : stats.methods) std::cout << m.name << " " << m.calls <<
//   "\n"; return node.Drain();
//
// Thread-safety and ownership: as every proxy's.
// Errors: PermissionDenied for List, Stats and Drain from anybody but a process of the same user on
// this machine, unless ServerOptions::allow_remote_control is set; Unimplemented from a server that
// is not Drover; those of every call.
// Blocking: all methods but those of Async.
#ifndef DROVER_OBJECT_NODE_H_
#define DROVER_OBJECT_NODE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drover/async/future.h"
#include "drover/object/call_options.h"
#include "drover/object/proxy.h"
#include "drover/object/server_stats.h"

namespace drover {

class NodeProxy : public Proxy {
 public:
  class Async;

  NodeProxy() = default;
  explicit NodeProxy(Proxy proxy) : Proxy(std::move(proxy)) {}

  // The names of what is exported, in order.
  absl::StatusOr<std::vector<std::string>> List() const;
  // OK if the server answers calls.
  absl::Status Ping() const;
  absl::StatusOr<ServerStats> Stats() const;
  // The server takes no more connections and calls, lets those that run end for at most its grace,
  // and stops. Returns as soon as it has begun to.
  absl::Status Drain() const;

  Async async() const;
  NodeProxy With(CallOptions options) const { return NodeProxy(WithOptions(std::move(options))); }
};

class NodeProxy::Async {
 public:
  explicit Async(NodeProxy proxy) : proxy_(std::move(proxy)) {}

  Future<std::vector<std::string>> List() const;
  Future<void> Ping() const;
  Future<ServerStats> Stats() const;
  Future<void> Drain() const;

 private:
  const NodeProxy proxy_;
};

inline NodeProxy::Async NodeProxy::async() const { return Async(*this); }

}  // namespace drover

#endif  // DROVER_OBJECT_NODE_H_
