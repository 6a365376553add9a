// Node.describe: what a server says of the objects it exports.
#include <capnp/schema-loader.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drover/node.capnp.h"
#include "drover/object/codec.h"
#include "drover/object/connect.h"
#include "drover/object/generated.h"
#include "drover/object/node_service.h"
#include "drover/object/server.h"
#include "drover/rpc/local_capability.h"
#include "everything.capnp.h"
#include "everything.drover.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cook.h"

namespace drover {
namespace {

using protocol::Node;
using testing_support::Cook;

constexpr object::MethodInfo kDescribe = {.interface_id = protocol::NODE_INTERFACE_ID,
                                          .ordinal = protocol::NODE_DESCRIBE,
                                          .interface_name = "Node",
                                          .name = "describe"};

struct Description {
  uint64_t interface_id;
  std::vector<std::string> nodes;
};

absl::StatusOr<Description> Describe(const Proxy& node, const std::string& name) {
  object::ClientCall call(node, kDescribe);
  call.Fill<Node::DescribeParams>([&](auto params) { params.setName(name); });
  return std::move(call).Get(+[](capnp::AnyPointer::Reader results) {
    auto in = results.getAs<Node::DescribeResults>();
    Description description{.interface_id = in.getInterfaceId(), .nodes = {}};
    for (const auto node : in.getNodes()) {
      description.nodes.emplace_back(node.asChars().begin(), node.size());
    }
    return description;
  });
}

std::string NameOf(const std::string& node) {
  std::string name;
  EXPECT_TRUE(object::DecodeStruct(node, &name, [](const object::StructReader& in, void* name) {
                *static_cast<std::string*>(name) =
                    in.As<capnp::schema::Node>().getDisplayName().cStr();
              }).ok());
  return name;
}

class Store final : public everything::StoreServant {};
class Service final : public everything::ServiceServant {};

TEST(Describe, GivesTheInterfaceAndAllItRefersTo) {
  auto server = Serve("inproc://describe", std::make_shared<Service>()).value();
  const auto description =
      Describe(Connect<kitchen::CookProxy>(server.endpoint()), "");  // any proxy of the front
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->interface_id, everything::ServiceProxy::Interface().id);

  std::multiset<std::string> names;
  for (const std::string& node : description->nodes) names.insert(NameOf(node));
  for (const char* name :
       {"everything.capnp:Service", "everything.capnp:Store", "everything.capnp:Clock",
        "parts/wheel.capnp:Inspector", "everything.capnp:Store.Watcher", "parts/wheel.capnp:Wheel",
        "parts/wheel.capnp:Tread", "everything.capnp:Color", "everything.capnp:Scalars",
        "everything.capnp:Shape", "everything.capnp:Shape.square", "everything.capnp:Store.Entry",
        "everything.capnp:Service.close$Params", "everything.capnp:Clock.now$Results"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
  EXPECT_EQ(names.count("everything.capnp:Car"), 0u);  // nothing of the interface's uses it
}

TEST(Describe, GivesNodesThatLoadAsTheSchemaThatWasCompiled) {
  auto server = Serve("inproc://describe", std::make_shared<Store>()).value();
  const auto description = Describe(Connect<everything::StoreProxy>(server.endpoint()), "");
  ASSERT_TRUE(description.ok()) << description.status();
  capnp::SchemaLoader loader;
  for (const std::string& node : description->nodes) {
    ASSERT_TRUE(object::DecodeStruct(node, &loader, [](const object::StructReader& in, void* l) {
                  static_cast<capnp::SchemaLoader*>(l)->load(in.As<capnp::schema::Node>());
                }).ok());
  }
  const auto loaded = loader.get(description->interface_id).asInterface();
  const auto compiled = capnp::Schema::from<capnp_everything::Store>();
  EXPECT_TRUE(capnp::AnyStruct::Reader(loaded.getProto()) ==
              capnp::AnyStruct::Reader(compiled.getProto()));
  const auto shape = loaded.getMethodByName("paint").getParamType().getFieldByName("shape");
  EXPECT_TRUE(capnp::AnyStruct::Reader(shape.getType().asStruct().getProto()) ==
              capnp::AnyStruct::Reader(capnp::Schema::from<capnp_everything::Shape>().getProto()));
}

TEST(Describe, GoesByName) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  ASSERT_EQ(server.Export("store", std::make_shared<Store>()), absl::OkStatus());
  const auto front = Connect<kitchen::CookProxy>(server.endpoint());
  EXPECT_EQ(Describe(front, "")->interface_id, kitchen::CookProxy::Interface().id);
  EXPECT_EQ(Describe(front, "store")->interface_id, everything::StoreProxy::Interface().id);
}

TEST(Describe, OfANameThatIsNotExportedIsNotFound) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  EXPECT_EQ(Describe(Connect<kitchen::CookProxy>(server.endpoint()), "baker").status(),
            absl::NotFoundError("no object is exported as \"baker\""));
}

// As Server makes it, with any object as the front.
Proxy NodeWith(const Proxy& front) {
  return Proxy::FromCapability(
      rpc::LocalCapability::Of(std::make_shared<object::NodeService>(front.capability(), false)));
}

TEST(Describe, OfAnObjectOfAnotherProcessIsFailedPrecondition) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  const auto elsewhere = Connect<kitchen::CookProxy>(server.endpoint());
  const auto description = Describe(NodeWith(elsewhere), "");
  EXPECT_EQ(description.status(),
            absl::FailedPreconditionError("the front object cannot be described here: it is an "
                                          "object of another process, passed on"));
  EXPECT_TRUE(Describe(NodeWith(kitchen::CookProxy(std::make_shared<Cook>())), "").ok());
}

// What generated code would be for, written by hand.
class Handmade final : public Servant {
 public:
  const object::InterfaceInfo& Interface() const override {
    static const object::InterfaceInfo kInfo = {
        .id = 0x8000000000000001, .name = "Handmade", .methods = {}, .supers = {}};
    return kInfo;
  }
  void Dispatch(object::ServerCall& call) override { call.Unimplemented(); }
};

TEST(Describe, OfAServantThatWasNotGeneratedIsFailedPrecondition) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
  ASSERT_EQ(server.Export("handmade", std::make_shared<Handmade>()), absl::OkStatus());
  EXPECT_EQ(Describe(Connect<kitchen::CookProxy>(server.endpoint()), "handmade").status(),
            absl::FailedPreconditionError("\"handmade\" cannot be described: its interface was not "
                                          "generated from a schema"));
}

}  // namespace
}  // namespace drover
