#include "drover/dynamic/node_client.h"

#include <utility>

#include "drover/base/status_macros.h"
#include "drover/node.capnp.h"
#include "drover/object/generated.h"

namespace drover::dynamic {
namespace {

using protocol::Node;

constexpr object::MethodInfo kDescribe = {.interface_id = protocol::NODE_INTERFACE_ID,
                                          .ordinal = protocol::NODE_DESCRIBE,
                                          .interface_name = "Node",
                                          .name = "describe",
                                          .idempotent = true};
constexpr object::MethodInfo kLookup = {.interface_id = protocol::NODE_INTERFACE_ID,
                                        .ordinal = protocol::NODE_LOOKUP,
                                        .interface_name = "Node",
                                        .name = "lookup",
                                        .idempotent = true};

Description DecodeDescription(capnp::AnyPointer::Reader results) {
  auto in = results.getAs<Node::DescribeResults>();
  Description description{.interface_id = in.getInterfaceId(), .nodes = {}};
  for (const auto node : in.getNodes()) {
    description.nodes.emplace_back(node.asChars().begin(), node.size());
  }
  return description;
}

struct Found {
  Proxy object;
};

Found DecodeObject(capnp::AnyPointer::Reader results) {
  return {object::GetProxy<Proxy>(results.getAs<Node::LookupResults>().getObject())};
}

}  // namespace

absl::StatusOr<Description> NodeClient::Describe(const std::string& name) const {
  object::ClientCall call(front_, kDescribe);
  call.Fill<Node::DescribeParams>([&](auto params) { params.setName(name); });
  return std::move(call).Get(&DecodeDescription);
}

absl::StatusOr<Proxy> NodeClient::Lookup(const std::string& name) const {
  object::ClientCall call(front_, kLookup);
  call.Fill<Node::LookupParams>([&](auto params) { params.setName(name); });
  DROVER_ASSIGN_OR_RETURN(Found found, std::move(call).Get(&DecodeObject));
  return std::move(found.object);
}

}  // namespace drover::dynamic
