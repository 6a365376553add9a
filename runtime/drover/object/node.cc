#include "drover/object/node.h"

#include "drover/node.capnp.h"
#include "drover/object/generated.h"
#include "drover/object/server_stats_internal.h"

namespace drover {
namespace {

using object::ClientCall;
using object::MethodInfo;
using protocol::Node;

constexpr MethodInfo Method(uint16_t ordinal, const char* name) {
  return {.interface_id = protocol::NODE_INTERFACE_ID,
          .ordinal = ordinal,
          .interface_name = "Node",
          .name = name};
}
constexpr MethodInfo kList = Method(protocol::NODE_LIST, "list");
constexpr MethodInfo kPing = Method(protocol::NODE_PING, "ping");
constexpr MethodInfo kStats = Method(protocol::NODE_STATS, "stats");
constexpr MethodInfo kDrain = Method(protocol::NODE_DRAIN, "drain");

template <class Params>
ClientCall MakeCall(const Proxy& proxy, const MethodInfo& method) {
  ClientCall call(proxy, method);
  call.Fill<Params>([](auto) {});
  return call;
}

std::vector<std::string> ReadNames(capnp::AnyPointer::Reader results) {
  std::vector<std::string> names;
  for (auto name : results.getAs<Node::ListResults>().getNames()) {
    names.emplace_back(name.begin(), name.size());
  }
  return names;
}

ServerStats ReadServerStats(capnp::AnyPointer::Reader results) {
  return object::ReadStats(results.getAs<Node::StatsResults>().getStats());
}

}  // namespace

absl::StatusOr<std::vector<std::string>> NodeProxy::List() const {
  return MakeCall<Node::ListParams>(*this, kList).Get(&ReadNames);
}
absl::Status NodeProxy::Ping() const { return MakeCall<Node::PingParams>(*this, kPing).GetVoid(); }
absl::StatusOr<ServerStats> NodeProxy::Stats() const {
  return MakeCall<Node::StatsParams>(*this, kStats).Get(&ReadServerStats);
}
absl::Status NodeProxy::Drain() const {
  return MakeCall<Node::DrainParams>(*this, kDrain).GetVoid();
}

Future<std::vector<std::string>> NodeProxy::Async::List() const {
  return MakeCall<Node::ListParams>(proxy_, kList).Start(&ReadNames);
}
Future<void> NodeProxy::Async::Ping() const {
  return MakeCall<Node::PingParams>(proxy_, kPing).StartVoid();
}
Future<ServerStats> NodeProxy::Async::Stats() const {
  return MakeCall<Node::StatsParams>(proxy_, kStats).Start(&ReadServerStats);
}
Future<void> NodeProxy::Async::Drain() const {
  return MakeCall<Node::DrainParams>(proxy_, kDrain).StartVoid();
}

}  // namespace drover
