#include "drover/dynamic/schema_check.h"

#include <capnp/pretty-print.h>
#include <kj/string.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/object/codec.h"
#include "drover/object/fields_internal.h"

namespace drover::dynamic {
namespace {

namespace schema = capnp::schema;
using object::CodecError;

// The loader numbers members with 16 bits.
constexpr uint32_t kMaxMembers = 0xffff;

std::string NameOf(NodeReader node) {
  return absl::StrCat("schema node ", object::ToString(node.getDisplayName()), " (0x",
                      absl::Hex(node.getId()), ")");
}

template <class... Args>
[[noreturn]] void Fail(const Args&... what) {
  throw CodecError(absl::DataLossError(absl::StrCat(what...)));
}

void CheckMembers(NodeReader node, uint32_t count) {
  if (count > kMaxMembers) Fail(NameOf(node), " has ", count, " members");
}

void CheckBrand(schema::Brand::Reader brand) {
  if (brand.getScopes().size() != 0) {
    throw CodecError(absl::UnimplementedError("the interface uses generic types"));
  }
}

// The bits of a field in the data section; 0 for Void and for pointers.
uint64_t DataBits(schema::Type::Reader type) {
  switch (type.which()) {
    case schema::Type::BOOL:
      return 1;
    case schema::Type::INT8:
    case schema::Type::UINT8:
      return 8;
    case schema::Type::INT16:
    case schema::Type::UINT16:
    case schema::Type::ENUM:
      return 16;
    case schema::Type::INT32:
    case schema::Type::UINT32:
    case schema::Type::FLOAT32:
      return 32;
    case schema::Type::INT64:
    case schema::Type::UINT64:
    case schema::Type::FLOAT64:
      return 64;
    default:
      return 0;
  }
}

bool IsPointer(schema::Type::Reader type) {
  return type.isText() || type.isData() || type.isList() || type.isStruct() || type.isInterface() ||
         type.isAnyPointer();
}

}  // namespace

absl::Status SchemaCheck::Add(std::string_view bytes) {
  if (messages_.size() >= kMaxNodes) {
    return absl::DataLossError(absl::StrCat("more than ", kMaxNodes, " schema nodes"));
  }
  bytes_ += bytes.size();
  if (bytes_ > kMaxBytes) {
    return absl::DataLossError(absl::StrCat("schema nodes of more than ", kMaxBytes, " bytes"));
  }
  std::unique_ptr<capnp::MallocMessageBuilder> message;
  const absl::Status read =
      object::DecodeStruct(bytes, &message, [](const object::StructReader& in, void* message) {
        const auto node = in.As<schema::Node>();
        const auto words = static_cast<unsigned>(node.totalSize().wordCount);
        auto copy = std::make_unique<capnp::MallocMessageBuilder>(words + 1);
        copy->setRoot(node);
        // Reads all of it. A pointer of the wrong kind would send the loader into an endless
        // recursion, where it describes the error by the very field that it cannot read.
        kj::str(copy->getRoot<schema::Node>().asReader());
        *static_cast<std::unique_ptr<capnp::MallocMessageBuilder>*>(message) = std::move(copy);
      });
  if (!read.ok()) return absl::DataLossError(absl::StrCat("a schema node: ", read.message()));
  const uint64_t id = message->getRoot<schema::Node>().getId();
  if (!messages_.emplace(id, std::move(message)).second) {
    return absl::DataLossError(absl::StrCat("two schema nodes have the id 0x", absl::Hex(id)));
  }
  return absl::OkStatus();
}

absl::Status SchemaCheck::Run(uint64_t interface_id) {
  return object::CatchCodecErrors([&] {
    Require(interface_id, Kind::kInterface);
    for (size_t i = 0; i < needed_.size(); ++i) CheckNode(needed_[i]);
    std::set<uint64_t> done;
    for (const NodeReader node : needed_) {
      std::set<uint64_t> under_way;
      if (node.isInterface()) CheckInheritance(node.getId(), under_way, done);
    }
  });
}

NodeReader SchemaCheck::Require(uint64_t id, Kind kind) {
  const auto it = messages_.find(id);
  if (it == messages_.end()) Fail("the schema node 0x", absl::Hex(id), " is missing");
  const NodeReader node = it->second->getRoot<schema::Node>().asReader();
  bool fits = false;
  switch (kind) {
    case Kind::kStruct:
      fits = node.isStruct() && !node.getStruct().getIsGroup();
      break;
    case Kind::kGroup:
      fits = node.isStruct() && node.getStruct().getIsGroup();
      break;
    case Kind::kEnum:
      fits = node.isEnum();
      break;
    case Kind::kInterface:
      fits = node.isInterface();
      break;
  }
  if (!fits) Fail(NameOf(node), " is of another kind than it is used as");
  if (seen_.insert(id).second) needed_.push_back(node);
  return node;
}

void SchemaCheck::CheckNode(NodeReader node) {
  if (node.getIsGeneric() || node.getParameters().size() != 0) {
    throw CodecError(absl::UnimplementedError("the interface uses generic types"));
  }
  if (node.isStruct()) CheckStruct(node);
  if (node.isEnum()) CheckMembers(node, node.getEnum().getEnumerants().size());
  if (node.isInterface()) CheckInterface(node);
}

void SchemaCheck::CheckStruct(NodeReader node) {
  const auto fields = node.getStruct().getFields();
  CheckMembers(node, fields.size());
  uint32_t alternatives = 0;
  for (const auto field : fields) {
    if (field.getDiscriminantValue() != schema::Field::NO_DISCRIMINANT) ++alternatives;
    CheckField(node, field);
  }
  const uint64_t discriminant_end = 16 * (uint64_t{node.getStruct().getDiscriminantOffset()} + 1);
  if (alternatives != node.getStruct().getDiscriminantCount() ||
      (alternatives > 0 && discriminant_end > uint64_t{64} * node.getStruct().getDataWordCount())) {
    Fail(NameOf(node), " has a malformed union");
  }
}

void SchemaCheck::CheckField(NodeReader node, schema::Field::Reader field) {
  const auto structure = node.getStruct();
  const auto fail = [&](const char* why) {
    Fail(NameOf(node), ": field ", object::ToString(field.getName()), " ", why);
  };
  if (field.isGroup()) {
    const NodeReader group = Require(field.getGroup().getTypeId(), Kind::kGroup);
    // So a group is part of one struct, and never of itself.
    const auto around = group_depths_.find(node.getId());
    const int depth = around == group_depths_.end() ? 1 : around->second + 1;
    if (group.getScopeId() != node.getId() || !group_depths_.emplace(group.getId(), depth).second) {
      fail("is a group of another struct");
    }
    if (depth > kMaxGroupDepth) fail("is nested too deeply");
    if (group.getStruct().getDataWordCount() > structure.getDataWordCount() ||
        group.getStruct().getPointerCount() > structure.getPointerCount()) {
      fail("is a group larger than its struct");
    }
    return;
  }
  if (!field.isSlot()) fail("is of a kind that is not known");
  const auto type = field.getSlot().getType();
  CheckType(type);
  const uint64_t places = uint64_t{field.getSlot().getOffset()} + 1;
  if (places * DataBits(type) > uint64_t{64} * structure.getDataWordCount() ||
      (IsPointer(type) && places > structure.getPointerCount())) {
    fail("lies outside its struct");
  }
}

void SchemaCheck::CheckInterface(NodeReader node) {
  const auto interface = node.getInterface();
  methods_ += interface.getMethods().size();
  if (methods_ > kMaxMethods) Fail("more than ", kMaxMethods, " methods");
  CheckMembers(node, interface.getSuperclasses().size());
  for (const auto super : interface.getSuperclasses()) {
    CheckBrand(super.getBrand());
    Require(super.getId(), Kind::kInterface);
  }
  for (const auto method : interface.getMethods()) {
    CheckBrand(method.getParamBrand());
    CheckBrand(method.getResultBrand());
    Require(method.getParamStructType(), Kind::kStruct);
    Require(method.getResultStructType(), Kind::kStruct);
  }
}

void SchemaCheck::CheckType(schema::Type::Reader type) {
  while (type.isList()) type = type.getList().getElementType();
  if (type.isStruct()) {
    CheckBrand(type.getStruct().getBrand());
    Require(type.getStruct().getTypeId(), Kind::kStruct);
  } else if (type.isEnum()) {
    CheckBrand(type.getEnum().getBrand());
    Require(type.getEnum().getTypeId(), Kind::kEnum);
  } else if (type.isInterface()) {
    CheckBrand(type.getInterface().getBrand());
    Require(type.getInterface().getTypeId(), Kind::kInterface);
  } else if (type.isAnyPointer() && !type.getAnyPointer().isUnconstrained()) {
    throw CodecError(absl::UnimplementedError("the interface uses generic types"));
  }
}

void SchemaCheck::CheckInheritance(uint64_t id, std::set<uint64_t>& under_way,
                                   std::set<uint64_t>& done) {
  if (done.count(id) != 0) return;
  const NodeReader node = messages_.at(id)->getRoot<schema::Node>().asReader();
  if (!under_way.insert(id).second) Fail(NameOf(node), " extends itself");
  for (const auto super : node.getInterface().getSuperclasses()) {
    CheckInheritance(super.getId(), under_way, done);
  }
  under_way.erase(id);
  done.insert(id);
}

}  // namespace drover::dynamic
