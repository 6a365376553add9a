#include "fuzz/random_request.h"

#include <string>
#include <vector>

#include "codegen/schema_index.h"

namespace drover::fuzz {
namespace {

namespace schema = capnp::schema;

constexpr uint64_t kFirstId = 0x8000000000000000;

class RequestBuilder {
 public:
  explicit RequestBuilder(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  void Build(schema::CodeGeneratorRequest::Builder request) {
    const uint32_t count = 1 + Choose(12);
    PlanScopes(count);
    auto nodes = request.initNodes(count);
    for (uint32_t i = 0; i < count; ++i) BuildNode(nodes[i], i);
    auto files = request.initRequestedFiles(1);
    files[0].setId(kFirstId + (Rarely() ? Choose(count) : 0));
    files[0].setFilename(Choose(4) == 0 ? "/a/../b" : "dir/file.capnp");
    if (Choose(3) == 0) {
      auto import = files[0].initImports(1)[0];
      import.setId(kFirstId + Choose(count));
      import.setName(Choose(2) == 0 ? "/x.capnp" : "../../x.capnp");
    }
    if (Choose(2) == 0) {
      auto info = request.initSourceInfo(1)[0];
      info.setId(kFirstId + Choose(count));
      info.setDocComment("*/ ends a comment\\\nand goes on");
      info.initMembers(1)[0].setDocComment("of a member");
    }
  }

 private:
  enum Kind : uint8_t { kFile, kStruct, kEnum, kInterface, kConst, kAnnotation, kGroup, kParams };

  uint8_t Next() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }
  uint32_t Choose(uint32_t n) { return Next() % n; }
  // Once in a while something is not as the compiler would have it.
  bool Rarely() { return Next() >= 0xf8; }

  const char* Name() {
    static constexpr const char* kNames[] = {
        "a",     "b",  "c",   "fooBar",  "value", "which",  "class", "params",
        "isSet", "x1", "y_z", "results", "std",   "drover", "",      "no name"};
    const uint32_t choice = Choose(40);
    return kNames[choice < 16 ? choice : choice % 12];
  }

  void PlanScopes(uint32_t count) {
    kinds_ = {kFile};
    scopes_ = {0};
    for (uint32_t i = 1; i < count; ++i) {
      kinds_.push_back(static_cast<Kind>(Choose(8)));
      scopes_.push_back(Rarely() ? Choose(count) : Choose(i));
    }
  }

  // A node of that kind where there is one; else any.
  uint64_t IdOf(Kind kind) {
    const uint32_t start = Choose(static_cast<uint32_t>(kinds_.size()));
    if (Rarely()) return kFirstId + start;
    for (uint32_t i = 0; i < kinds_.size(); ++i) {
      const uint32_t at = (start + i) % static_cast<uint32_t>(kinds_.size());
      if (kinds_[at] == kind) return kFirstId + at;
    }
    return kFirstId + start;
  }

  void BuildNode(schema::Node::Builder node, uint32_t i) {
    const Kind kind = kinds_[i];
    node.setId(kFirstId + i);
    node.setDisplayName("dir/file.capnp:Node" + std::to_string(i));
    node.setDisplayNamePrefixLength(Rarely() ? 1000 : 15);
    if (kind != kFile && kind != kParams) node.setScopeId(kFirstId + scopes_[i]);
    BuildNested(node, i);
    switch (kind) {
      case kFile:
        BuildFile(node);
        break;
      case kStruct:
      case kGroup:
      case kParams:
        BuildStruct(node.initStruct(), kind == kGroup);
        break;
      case kEnum:
        for (auto enumerant : node.initEnum().initEnumerants(Choose(4))) enumerant.setName(Name());
        break;
      case kInterface:
        BuildInterface(node.initInterface());
        break;
      case kConst:
        BuildType(node.initConst().initType(), 0);
        BuildValue(node.getConst().initValue(), node.getConst().getType());
        break;
      case kAnnotation:
        BuildType(node.initAnnotation().initType(), 0);
        break;
    }
  }

  void BuildNested(schema::Node::Builder node, uint32_t i) {
    std::vector<uint32_t> nested;
    for (uint32_t k = 1; k < kinds_.size(); ++k) {
      if (scopes_[k] == i && kinds_[k] != kGroup && kinds_[k] != kParams) nested.push_back(k);
    }
    auto list = node.initNestedNodes(static_cast<unsigned>(nested.size()));
    for (unsigned k = 0; k < list.size(); ++k) {
      list[k].setId(kFirstId + nested[k]);
      list[k].setName(Rarely() ? Name() : "Nested" + std::to_string(nested[k]));
    }
  }

  void BuildFile(schema::Node::Builder node) {
    node.setFile();
    auto annotations = node.initAnnotations(2);
    annotations[0].setId(codegen::kDroverNamespace);
    annotations[0].initValue().setText(Rarely() ? Name() : "garage::parts");
    annotations[1].setId(codegen::kCxxNamespace);
    annotations[1].initValue().setText("garage_wire");
  }

  void BuildStruct(schema::Node::Struct::Builder out, bool group) {
    out.setDataWordCount(8);
    out.setPointerCount(8);
    out.setIsGroup(group);
    auto fields = out.initFields(Choose(5));
    const bool has_union = fields.size() > 1 && Choose(3) == 0;
    if (has_union) {
      out.setDiscriminantCount(static_cast<uint16_t>(fields.size()));
      out.setDiscriminantOffset(31);
    }
    for (unsigned i = 0; i < fields.size(); ++i) {
      fields[i].setName(Rarely() ? Name() : Name() + std::to_string(i));
      fields[i].setCodeOrder(static_cast<uint16_t>(i));
      fields[i].getOrdinal().setExplicit(static_cast<uint16_t>(i));
      if (has_union) fields[i].setDiscriminantValue(static_cast<uint16_t>(i));
      if (Choose(6) == 0) {
        fields[i].initGroup().setTypeId(IdOf(kGroup));
        continue;
      }
      auto slot = fields[i].initSlot();
      slot.setOffset(i);
      BuildType(slot.initType(), 0);
      BuildValue(slot.initDefaultValue(), slot.getType());
      slot.setHadExplicitDefault(Choose(2) == 0);
    }
  }

  void BuildInterface(schema::Node::Interface::Builder out) {
    for (auto super : out.initSuperclasses(Choose(3) == 0 ? Choose(3) : 0)) {
      super.setId(IdOf(kInterface));
    }
    auto methods = out.initMethods(Choose(4));
    for (unsigned i = 0; i < methods.size(); ++i) {
      methods[i].setName(Rarely() ? Name() : Name() + std::to_string(i));
      methods[i].setCodeOrder(static_cast<uint16_t>(i));
      methods[i].setParamStructType(IdOf(Choose(2) == 0 ? kStruct : kParams));
      methods[i].setResultStructType(Rarely() ? codegen::kStreamResult
                                              : IdOf(Choose(2) == 0 ? kStruct : kParams));
      if (Rarely()) methods[i].initImplicitParameters(1)[0].setName("T");
    }
  }

  void BuildType(schema::Type::Builder type, int depth) {
    switch (Choose(20)) {
      case 0:
        return type.setVoid();
      case 1:
        return type.setBool();
      case 2:
        return type.setInt8();
      case 3:
        return type.setInt16();
      case 4:
        return type.setInt32();
      case 5:
        return type.setInt64();
      case 6:
        return type.setUint8();
      case 7:
        return type.setUint16();
      case 8:
        return type.setUint32();
      case 9:
        return type.setUint64();
      case 10:
        return type.setFloat32();
      case 11:
        return type.setFloat64();
      case 12:
        return type.setText();
      case 13:
        return type.setData();
      case 14:
      case 15:
        if (depth > 40) return type.setText();
        return BuildType(type.initList().initElementType(), depth + 1);
      case 16:
        return type.initEnum().setTypeId(IdOf(kEnum));
      case 17:
        return type.initStruct().setTypeId(IdOf(kStruct));
      case 18:
        return type.initInterface().setTypeId(IdOf(kInterface));
      default:
        if (Rarely()) type.initAnyPointer();
        return;
    }
  }

  void BuildValue(schema::Value::Builder value, schema::Type::Reader type) {
    const uint8_t n = Next();
    switch (Rarely() ? schema::Type::UINT16 : type.which()) {
      case schema::Type::VOID:
        return value.setVoid();
      case schema::Type::BOOL:
        return value.setBool(n % 2 == 1);
      case schema::Type::INT8:
        return value.setInt8(static_cast<int8_t>(n));
      case schema::Type::INT16:
        return value.setInt16(n == 0xff ? -32768 : n);
      case schema::Type::INT32:
        return value.setInt32(n == 0xff ? INT32_MIN : n);
      case schema::Type::INT64:
        return value.setInt64(n == 0xff ? INT64_MIN : n);
      case schema::Type::UINT8:
        return value.setUint8(n);
      case schema::Type::UINT16:
        return value.setUint16(n);
      case schema::Type::UINT32:
        return value.setUint32(n == 0xff ? UINT32_MAX : n);
      case schema::Type::UINT64:
        return value.setUint64(n == 0xff ? UINT64_MAX : n);
      case schema::Type::FLOAT32:
        return value.setFloat32(1.0f / static_cast<float>(n));
      case schema::Type::FLOAT64:
        return value.setFloat64(1.0 / n);
      case schema::Type::TEXT:
        return value.setText(n == 0 ? ""
                                    : "?"
                                      "?/\"\\\n");
      case schema::Type::DATA:
        return value.setData(kj::arrayPtr(&n, 1));
      case schema::Type::LIST:
        value.initList();
        if (n >= 0x80) value.getList().initAsListOfAnyStruct(1, 1, n % 3);
        return;
      case schema::Type::ENUM:
        return value.setEnum(n);
      case schema::Type::STRUCT:
        value.initStruct();
        if (n >= 0x80) {
          auto fields = value.getStruct().initAsAnyStruct(2, 2);
          fields.getDataSection()[0] = n;
          fields.getPointerSection()[n % 2].initAsAnyStruct(1, 1);
        }
        return;
      case schema::Type::INTERFACE:
        return value.setInterface();
      case schema::Type::ANY_POINTER:
        value.initAnyPointer();
        return;
    }
  }

  const std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  std::vector<Kind> kinds_;
  std::vector<uint32_t> scopes_;  // by number
};

}  // namespace

void BuildRequest(std::span<const uint8_t> bytes, schema::CodeGeneratorRequest::Builder request) {
  RequestBuilder(bytes).Build(request);
}

}  // namespace drover::fuzz
