#include "cpp_types.h"

#include <stdexcept>

namespace drover::codegen {

using capnp::schema::Type;

std::string CppTypes::Value(TypeReader type) const {
  switch (type.which()) {
    case Type::VOID:
      return "std::monostate";
    case Type::BOOL:
      return "bool";
    case Type::INT8:
      return "int8_t";
    case Type::INT16:
      return "int16_t";
    case Type::INT32:
      return "int32_t";
    case Type::INT64:
      return "int64_t";
    case Type::UINT8:
      return "uint8_t";
    case Type::UINT16:
      return "uint16_t";
    case Type::UINT32:
      return "uint32_t";
    case Type::UINT64:
      return "uint64_t";
    case Type::FLOAT32:
      return "float";
    case Type::FLOAT64:
      return "double";
    case Type::TEXT:
      return "std::string";
    case Type::DATA:
      return "std::vector<uint8_t>";
    case Type::LIST:
      return "std::vector<" + Value(type.getList().getElementType()) + ">";
    case Type::ENUM:
      return Name(type.getEnum().getTypeId());
    case Type::STRUCT:
      return Name(type.getStruct().getTypeId());
    case Type::INTERFACE:
      return Name(type.getInterface().getTypeId(), "Proxy");
    case Type::ANY_POINTER:
      break;
  }
  throw std::runtime_error("a type without a C++ equivalent passed the checks");
}

std::string CppTypes::Parameter(TypeReader type) const {
  if (type.isText()) return "std::string_view";
  if (type.isData()) return "std::span<const uint8_t>";
  return IsScalar(type) ? Value(type) : "const " + Value(type) + "&";
}

std::string CppTypes::Name(uint64_t id, std::string_view suffix) const {
  std::string flat = index_.FlatName(id) + std::string(suffix);
  const bool plain = index_.DroverNamespace(index_.FileOf(id)) == from_ && !hidden_.contains(flat);
  return plain ? flat : index_.QualifiedName(id, suffix);
}

bool IsScalar(TypeReader type) {
  return !type.isText() && !type.isData() && !type.isList() && !type.isStruct() &&
         !type.isInterface() && !type.isAnyPointer();
}

}  // namespace drover::codegen
