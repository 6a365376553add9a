// Schemas that a server should not have sent: an error, and nothing worse.
#include <capnp/message.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bakery.drover.h"
#include "drover/dynamic/dynamic_object.h"
#include "drover/dynamic/json_params.h"
#include "drover/dynamic/json_results.h"
#include "drover/dynamic/loaded_schema.h"
#include "drover/dynamic/schema_check.h"
#include "drover/dynamic/schema_text.h"
#include "drover/object/fields_internal.h"
#include "drover/object/generated.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover::dynamic {
namespace {

namespace schema = capnp::schema;
using testing::HasSubstr;

const uint64_t kShop = bakery::ShopProxy::Interface().id;

// The nodes of Shop, by name, to be changed.
class Nodes {
 public:
  Nodes() {
    for (const std::string& bytes : bakery::ShopProxy::Interface().schema_nodes()) {
      std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
      std::memcpy(words.data(), bytes.data(), bytes.size());
      capnp::FlatArrayMessageReader reader(kj::arrayPtr(words.data(), words.size()));
      auto message = std::make_unique<capnp::MallocMessageBuilder>();
      message->setRoot(reader.getRoot<schema::Node>());
      const std::string name = DottedName(message->getRoot<schema::Node>().asReader());
      nodes_[name] = std::move(message);
    }
  }
  schema::Node::Builder operator[](const std::string& name) {
    return nodes_.at(name)->getRoot<schema::Node>();
  }
  schema::Field::Builder Field(const std::string& node, const std::string& name) {
    for (auto field : (*this)[node].getStruct().getFields()) {
      if (name == field.getName().cStr()) return field;
    }
    ADD_FAILURE() << node << " has no field " << name;
    return nullptr;
  }
  void Remove(const std::string& name) { EXPECT_EQ(nodes_.erase(name), 1u) << name; }

  std::vector<std::string> Encoded() const {
    std::vector<std::string> encoded;
    for (const auto& [name, message] : nodes_) {
      const auto words = capnp::messageToFlatArray(*message);
      encoded.emplace_back(words.asChars().begin(), words.asChars().size());
    }
    return encoded;
  }
  absl::Status Load() const { return LoadedSchema::Load(kShop, Encoded()).status(); }

 private:
  std::map<std::string, std::unique_ptr<capnp::MallocMessageBuilder>> nodes_;
};

TEST(HostileSchema, LoadsAsItWas) { EXPECT_EQ(Nodes().Load(), absl::OkStatus()); }

struct Case {
  const char* name;
  const char* why;  // part of the message
  std::function<void(Nodes&)> spoil;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Spoiled : public testing::TestWithParam<Case> {};

TEST_P(Spoiled, SchemaIsDataLoss) {
  Nodes nodes;
  GetParam().spoil(nodes);
  const absl::Status status = nodes.Load();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().why));
}

const Case kCases[] = {
    {"MissingType", "is missing", [](Nodes& n) { n.Remove("Loaf"); }},
    {"MissingGroup", "is missing", [](Nodes& n) { n.Remove("Loaf.crust"); }},
    {"MissingSuperclass", "is missing", [](Nodes& n) { n.Remove("Waiter"); }},
    {"MissingParams", "is missing", [](Nodes& n) { n.Remove("Baker.stop$Params"); }},
    {"EnumForAStruct", "another kind",
     [](Nodes& n) {
       const auto flour = n["Loaf.Flour"].getId();
       n.Field("Shop.serve$Params", "loaf").getSlot().getType().getStruct().setTypeId(flour);
     }},
    {"StructForAnInterface", "another kind",
     [](Nodes& n) { n["Shop"].getInterface().getSuperclasses()[0].setId(n["Loaf"].getId()); }},
    {"GroupForAStruct", "another kind",
     [](Nodes& n) {
       const auto crust = n["Loaf.crust"].getId();
       n["Shop"].getInterface().getMethods()[0].setParamStructType(crust);
     }},
    {"FieldOutside", "lies outside",
     [](Nodes& n) { n.Field("Loaf", "grams").getSlot().setOffset(1000); }},
    {"FieldOutsideByOverflow", "lies outside",
     // 32 * (0x07ffffff + 1) is 0 in 32 bits.
     [](Nodes& n) { n.Field("Loaf", "grams").getSlot().setOffset(0x07ffffff); }},
    {"PointerOutside", "lies outside",
     [](Nodes& n) { n.Field("Loaf.crust", "seeds").getSlot().setOffset(2); }},
    {"PointerOutsideByOverflow", "lies outside",
     [](Nodes& n) { n.Field("Loaf.crust", "seeds").getSlot().setOffset(0xffffffff); }},
    {"DiscriminantOutside", "malformed union",
     [](Nodes& n) { n["Loaf"].getStruct().setDiscriminantOffset(8); }},
    {"DiscriminantOutsideByOverflow", "malformed union",
     [](Nodes& n) { n["Loaf"].getStruct().setDiscriminantOffset(0x0fffffff); }},
    {"MoreAlternativesThanFields", "malformed union",
     [](Nodes& n) { n["Loaf"].getStruct().setDiscriminantCount(5); }},
    {"FewerAlternativesThanFields", "malformed union",
     [](Nodes& n) { n["Loaf"].getStruct().setDiscriminantCount(2); }},
    {"UnionOfFieldsThatAreNone", "malformed union",
     [](Nodes& n) { n["Waiter.serve$Params"].getStruct().setDiscriminantCount(1); }},
    {"TwiceTheSameAlternative", "discriminantValue",
     [](Nodes& n) { n.Field("Loaf", "plain").setDiscriminantValue(1); }},
    {"GroupOfAnotherStruct", "group of another struct",
     [](Nodes& n) { n.Field("Loaf", "crust").getGroup().setTypeId(n["Loaf.braided"].getId()); }},
    {"GroupOfItself", "group of another struct",
     [](Nodes& n) {
       n.Field("Loaf.crust", "seeds").initGroup().setTypeId(n["Loaf.crust"].getId());
     }},
    {"GroupLargerThanItsStruct", "larger than its struct",
     [](Nodes& n) { n["Loaf.crust"].getStruct().setDataWordCount(500); }},
    {"InterfaceThatExtendsItself", "extends itself",
     [](Nodes& n) { n["Shop"].getInterface().getSuperclasses()[0].setId(kShop); }},
    {"InterfacesThatExtendEachOther", "extends itself",
     [](Nodes& n) { n["Baker"].getInterface().initSuperclasses(1)[0].setId(kShop); }},
    {"TwoFieldsOfOneName", "duplicate name",
     [](Nodes& n) { n.Field("Loaf", "grams").setName("flour"); }},
    {"DefaultOfAnotherType", "Value did not match type",
     [](Nodes& n) { n.Field("Loaf", "grams").getSlot().getDefaultValue().setBool(true); }},
    {"ParamsOfAnotherKindOfNode", "is missing",
     [](Nodes& n) { n["Shop"].getInterface().getMethods()[0].setParamStructType(0); }},
};
INSTANTIATE_TEST_SUITE_P(By, Spoiled, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(HostileSchema, OfGenericTypesIsUnimplemented) {
  Nodes generic;
  generic["Loaf"].setIsGeneric(true);
  EXPECT_EQ(generic.Load().code(), absl::StatusCode::kUnimplemented);
  Nodes branded;
  branded["Shop"].getInterface().getSuperclasses()[0].initBrand().initScopes(1);
  EXPECT_EQ(branded.Load().code(), absl::StatusCode::kUnimplemented);
  Nodes parameter;
  parameter.Field("Loaf", "filled").getSlot().getType().initAnyPointer().initParameter();
  EXPECT_EQ(parameter.Load().code(), absl::StatusCode::kUnimplemented);
}

TEST(HostileSchema, OfAnotherInterfaceIsDataLoss) {
  const auto status = LoadedSchema::Load(kShop + 1, Nodes().Encoded()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

TEST(HostileSchema, OfANodeThatIsNoMessageIsDataLoss) {
  for (const std::string& bytes :
       {std::string(), std::string(7, 'x'), std::string(8, '\0'), std::string(64, '\xff')}) {
    std::vector<std::string> nodes = Nodes().Encoded();
    nodes.push_back(bytes);
    EXPECT_EQ(LoadedSchema::Load(kShop, nodes).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(HostileSchema, OfANodeTwiceIsDataLoss) {
  std::vector<std::string> nodes = Nodes().Encoded();
  nodes.push_back(nodes[0]);
  EXPECT_EQ(LoadedSchema::Load(kShop, nodes).status().code(), absl::StatusCode::kDataLoss);
}

std::string NodeOfSize(uint64_t id, size_t bytes) {
  capnp::MallocMessageBuilder message;
  auto node = message.initRoot<schema::Node>();
  node.setId(id);
  node.initDisplayName(static_cast<unsigned>(bytes));
  const auto words = capnp::messageToFlatArray(message);
  return std::string(words.asChars().begin(), words.asChars().size());
}

TEST(HostileSchema, OfTooManyNodesOrBytesIsDataLoss) {
  std::vector<std::string> many;
  for (uint64_t i = 0; i <= SchemaCheck::kMaxNodes; ++i) many.push_back(NodeOfSize(i + 1, 1));
  EXPECT_THAT(LoadedSchema::Load(1, many).status().ToString(), HasSubstr("DATA_LOSS: more than"));
  std::vector<std::string> large;
  for (uint64_t i = 0; i < 17; ++i) large.push_back(NodeOfSize(i + 1, 1 << 20));
  EXPECT_THAT(LoadedSchema::Load(1, large).status().ToString(), HasSubstr("schema nodes of more"));
}

// Reads and writes all there is of a struct.
void Exercise(capnp::StructSchema type) {
  object::CatchCodecErrors([&] {
    capnp::MallocMessageBuilder empty;
    const std::string json = WriteResults(empty.getRoot<capnp::AnyPointer>(), type).json;
    capnp::MallocMessageBuilder full;
    auto root = full.getRoot<capnp::AnyPointer>();
    ReadParams(json, type, {}, root);
    WriteResults(root.asReader(), type);
  }).IgnoreError();
}

TEST(HostileSchema, WithAnyByteChangedIsAnErrorOrSafeToUse) {
  const std::vector<std::string> good = Nodes().Encoded();
  size_t errors = 0;
  size_t loaded = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<std::string> nodes = good;
    for (size_t at = 0; at < good[i].size(); ++at) {
      const int change = at % 2 == 0 ? 0x01 : 0xff;
      nodes[i][at] = static_cast<char>(good[i][at] ^ change);
      const auto schema = LoadedSchema::Load(kShop, nodes);
      if (schema.ok()) {
        ++loaded;
        for (const LoadedInterface* interface : (*schema)->Lineage(kShop)) {
          for (const auto& method : interface->methods) {
            Exercise(method->params);
            Exercise(method->results);
          }
        }
        EXPECT_FALSE(InterfaceText((*schema)->Interface(kShop).schema).empty());
      } else {
        ++errors;
        const bool expected =
            absl::IsDataLoss(schema.status()) || absl::IsUnimplemented(schema.status());
        EXPECT_TRUE(expected) << schema.status();
      }
      nodes[i][at] = good[i][at];
    }
  }
  EXPECT_GT(errors, 500u);
  EXPECT_GT(loaded, 500u);
}

// A servant that says of itself what the test wants.
class Liar final : public Servant {
 public:
  static std::vector<std::string> nodes;

  const object::InterfaceInfo& Interface() const override {
    static const object::InterfaceInfo kInfo = {
        .id = kShop, .name = "Shop", .methods = {}, .supers = {}, .schema_nodes = +[] {
          return nodes;
        }};
    return kInfo;
  }
  void Dispatch(object::ServerCall& call) override { call.Unimplemented(); }
};
std::vector<std::string> Liar::nodes;

TEST(HostileSchema, FromAServerFailsTheConnect) {
  auto server = Serve("tcp://127.0.0.1:0", std::make_shared<Liar>()).value();
  const auto connect = [&] { return DynamicObject::Connect(server.endpoint()).status(); };
  EXPECT_EQ(connect().code(), absl::StatusCode::kDataLoss);
  Liar::nodes = {"garbage"};
  EXPECT_EQ(connect().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(connect().message()), HasSubstr(server.endpoint().ToString()));
  Liar::nodes = Nodes().Encoded();
  EXPECT_EQ(connect(), absl::OkStatus());
}

}  // namespace
}  // namespace drover::dynamic
