#include "drover/dynamic/schema_text.h"

#include <cstdint>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/object/fields_internal.h"

namespace drover::dynamic {
namespace {

namespace schema = capnp::schema;
using object::ToString;

// Of a parameter or result list: a struct that is declared nowhere.
bool IsMethodStruct(capnp::StructSchema type) { return type.getProto().getScopeId() == 0; }

std::string FieldText(capnp::StructSchema::Field field) {
  return absl::StrCat(ToString(field.getProto().getName()), " :", TypeName(field.getType()));
}

class Writer {
 public:
  std::string Run(capnp::InterfaceSchema interface) {
    Use(interface);
    for (size_t i = 0; i < open_.size(); ++i) {
      if (i > 0) out_ += "\n";
      Declare(open_[i]);
    }
    return std::move(out_);
  }

 private:
  void Use(capnp::Schema declared) {
    if (seen_.insert(declared.getProto().getId()).second) open_.push_back(declared);
  }
  void UseType(capnp::Type type) {
    while (type.isList()) type = type.asList().getElementType();
    if (type.isStruct()) Use(type.asStruct());
    if (type.isEnum()) Use(type.asEnum());
    if (type.isInterface()) Use(type.asInterface());
  }
  // What a method takes or gives.
  void UseSide(capnp::StructSchema side) {
    if (side.isStreamResult()) return;
    if (!IsMethodStruct(side)) return Use(side);
    for (const auto field : side.getFields()) UseType(field.getType());
  }

  template <class... Args>
  void Line(const Args&... args) {
    absl::StrAppend(&out_, indent_, args..., "\n");
  }
  void Open(const std::string& head) {
    Line(head, " {");
    indent_ += "  ";
  }
  void Close() {
    indent_.resize(indent_.size() - 2);
    Line("}");
  }

  void Declare(capnp::Schema declared) {
    const auto proto = declared.getProto();
    const std::string name = DottedName(proto);
    if (proto.isInterface()) DeclareInterface(name, declared.asInterface());
    if (proto.isEnum()) {
      Open("enum " + name);
      for (const auto enumerant : declared.asEnum().getEnumerants()) {
        Line(ToString(enumerant.getProto().getName()), " @", enumerant.getOrdinal(), ";");
      }
      Close();
    }
    if (proto.isStruct()) {
      Open("struct " + name);
      Fields(declared.asStruct());
      Close();
    }
  }

  void DeclareInterface(const std::string& name, capnp::InterfaceSchema interface) {
    std::string supers;
    for (const auto super : interface.getSuperclasses()) {
      absl::StrAppend(&supers, supers.empty() ? " extends(" : ", ", DottedName(super.getProto()));
      Use(super);
    }
    Open(absl::StrCat("interface ", name, supers, supers.empty() ? "" : ")"));
    for (const auto method : interface.getMethods()) {
      Line(ToString(method.getProto().getName()), " @", method.getOrdinal(), " ",
           MethodSideText(method.getParamType()), " -> ", MethodSideText(method.getResultType()),
           ";");
      UseSide(method.getParamType());
      UseSide(method.getResultType());
    }
    Close();
  }

  void Fields(capnp::StructSchema type) {
    for (const auto field : type.getNonUnionFields()) Field(field);
    if (type.getUnionFields().size() == 0) return;
    Open("union");
    for (const auto field : type.getUnionFields()) Field(field);
    Close();
  }

  void Field(capnp::StructSchema::Field field) {
    const auto proto = field.getProto();
    if (proto.isGroup()) {
      Open(ToString(proto.getName()) + " :group");
      Fields(field.getType().asStruct());
      Close();
      return;
    }
    UseType(field.getType());
    const auto ordinal = proto.getOrdinal();
    Line(ToString(proto.getName()),
         ordinal.isExplicit() ? absl::StrCat(" @", ordinal.getExplicit()) : "", " :",
         TypeName(field.getType()), ";");
  }

  std::string out_;
  std::string indent_;
  std::set<uint64_t> seen_;
  std::vector<capnp::Schema> open_;  // to be declared, in that order
};

}  // namespace

std::string DottedName(schema::Node::Reader node) {
  const std::string name = ToString(node.getDisplayName());
  return name.substr(name.rfind(':') + 1);  // all of it, if there is none
}

std::string TypeName(capnp::Type type) {
  switch (type.which()) {
    case schema::Type::VOID:
      return "Void";
    case schema::Type::BOOL:
      return "Bool";
    case schema::Type::INT8:
      return "Int8";
    case schema::Type::INT16:
      return "Int16";
    case schema::Type::INT32:
      return "Int32";
    case schema::Type::INT64:
      return "Int64";
    case schema::Type::UINT8:
      return "UInt8";
    case schema::Type::UINT16:
      return "UInt16";
    case schema::Type::UINT32:
      return "UInt32";
    case schema::Type::UINT64:
      return "UInt64";
    case schema::Type::FLOAT32:
      return "Float32";
    case schema::Type::FLOAT64:
      return "Float64";
    case schema::Type::TEXT:
      return "Text";
    case schema::Type::DATA:
      return "Data";
    case schema::Type::LIST:
      return absl::StrCat("List(", TypeName(type.asList().getElementType()), ")");
    case schema::Type::ENUM:
      return DottedName(type.asEnum().getProto());
    case schema::Type::STRUCT:
      return DottedName(type.asStruct().getProto());
    case schema::Type::INTERFACE:
      return DottedName(type.asInterface().getProto());
    case schema::Type::ANY_POINTER:
      return "AnyPointer";
  }
  return "?";
}

std::string MethodSideText(capnp::StructSchema side) {
  if (side.isStreamResult()) return "stream";
  if (!IsMethodStruct(side)) return DottedName(side.getProto());
  std::string text;
  for (const auto field : side.getFields()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", FieldText(field));
  }
  return absl::StrCat("(", text, ")");
}

std::string InterfaceText(capnp::InterfaceSchema interface) { return Writer().Run(interface); }

}  // namespace drover::dynamic
