#include "literals.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "names.h"

namespace drover::codegen {
namespace {

using capnp::schema::Type;

template <class Float>
std::string FloatLiteral(Float value, std::string_view type, std::string_view suffix) {
  const std::string limits = "std::numeric_limits<" + std::string(type) + ">::";
  if (std::isnan(value)) return limits + "quiet_NaN()";
  if (std::isinf(value)) return (value < 0 ? "-" : "") + limits + "infinity()";
  char buffer[64];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
  // A suffix makes 5f no number; a default of 0 reads best as 0.
  if (text.find_first_of(".e") == std::string::npos && (!suffix.empty() || text == "-0")) {
    text += ".0";
  }
  return value == 0 && !std::signbit(value) ? "0" : text + std::string(suffix);
}

std::string SignedLiteral(int64_t value) {
  if (value == std::numeric_limits<int64_t>::min()) return "std::numeric_limits<int64_t>::min()";
  if (value == std::numeric_limits<int32_t>::min()) return "std::numeric_limits<int32_t>::min()";
  return std::to_string(value);
}

std::string UnsignedLiteral(uint64_t value) {
  const bool large = value > static_cast<uint64_t>(std::numeric_limits<int32_t>::max());
  return std::to_string(value) + (large ? "u" : "");
}

capnp::DynamicStruct::Reader GroupOf(capnp::DynamicStruct::Reader value, FieldReader field) {
  return value.get(capnp::Text::Reader(field.getName())).as<capnp::DynamicStruct>();
}

bool IsDefault(capnp::DynamicStruct::Reader value, FieldReader field) {
  return !value.has(capnp::Text::Reader(field.getName()), capnp::HasMode::NON_DEFAULT);
}

}  // namespace

std::string QuotedText(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '?' && out.back() == '?') {
      out += "\\?";  // or two of them might begin a trigraph
    } else if (byte < 0x20 || byte == 0x7f) {
      // Octal escapes end after three digits, hexadecimal ones would go on.
      out += '\\';
      for (int shift : {6, 3, 0}) out += static_cast<char>('0' + ((byte >> shift) & 7));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string Literals::Default(const StructModel::Member& member) const {
  if (member.field.isGroup()) return "{}";
  const TypeReader type = member.type();
  if (!IsScalar(type) && !member.has_default()) return "{}";
  if (type.isVoid()) return "{}";
  std::string literal = Of(type, DefaultValue(member));
  // A data member's declaration says the type already.
  if (member.discriminant() != capnp::schema::Field::NO_DISCRIMINANT) return literal;
  const std::string prefix = types_.Value(type) + "{";
  return literal.starts_with(prefix) ? literal.substr(prefix.size() - 1) : literal;
}

capnp::DynamicValue::Reader Literals::DefaultValue(const StructModel::Member& member) const {
  const TypeReader type = member.type();
  const auto value = member.field.getSlot().getDefaultValue();
  switch (type.which()) {
    case Type::BOOL:
      return value.getBool();
    case Type::INT8:
      return value.getInt8();
    case Type::INT16:
      return value.getInt16();
    case Type::INT32:
      return value.getInt32();
    case Type::INT64:
      return value.getInt64();
    case Type::UINT8:
      return value.getUint8();
    case Type::UINT16:
      return value.getUint16();
    case Type::UINT32:
      return value.getUint32();
    case Type::UINT64:
      return value.getUint64();
    case Type::FLOAT32:
      return value.getFloat32();
    case Type::FLOAT64:
      return value.getFloat64();
    case Type::TEXT:
      return value.getText();
    case Type::DATA:
      return value.getData();
    case Type::LIST:
      return value.getList().getAs<capnp::DynamicList>(
          index_.Reflect(member.holder)
              .asStruct()
              .getFieldByName(capnp::Text::Reader(member.field.getName()))
              .getType()
              .asList());
    case Type::ENUM:
      return capnp::DynamicEnum(index_.Reflect(type.getEnum().getTypeId()).asEnum(),
                                value.getEnum());
    case Type::STRUCT:
      return value.getStruct().getAs<capnp::DynamicStruct>(
          index_.Reflect(type.getStruct().getTypeId()).asStruct());
    default:
      return capnp::VOID;
  }
}

std::string Literals::Constant(NodeReader node) const {
  const auto constant = index_.Reflect(node.getId()).asConst();
  return Of(node.getConst().getType(), capnp::DynamicValue::Reader(constant));
}

std::string Literals::Of(TypeReader type, capnp::DynamicValue::Reader value) const {
  switch (type.which()) {
    case Type::BOOL:
      return value.as<bool>() ? "true" : "false";
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
      return SignedLiteral(value.as<int64_t>());
    case Type::UINT8:
    case Type::UINT16:
    case Type::UINT32:
    case Type::UINT64:
      return UnsignedLiteral(value.as<uint64_t>());
    case Type::FLOAT32:
      return FloatLiteral(value.as<float>(), "float", "f");
    case Type::FLOAT64:
      return FloatLiteral(value.as<double>(), "double", "");
    case Type::TEXT: {
      auto text = value.as<capnp::Text>();
      const std::string_view view(text.begin(), text.size());
      if (view.find('\0') == std::string_view::npos) return QuotedText(view);
      return "std::string_view(" + QuotedText(view) + ", " + std::to_string(view.size()) + ")";
    }
    case Type::DATA: {
      std::string out = types_.Value(type) + "{";
      for (uint8_t byte : value.as<capnp::Data>()) {
        static constexpr std::string_view kHex = "0123456789abcdef";
        out += out.ends_with('{') ? "0x" : ", 0x";
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
      }
      return out + "}";
    }
    case Type::LIST: {
      std::string out = types_.Value(type) + "{";
      const TypeReader element = type.getList().getElementType();
      for (auto item : value.as<capnp::DynamicList>()) {
        out += (out.ends_with('{') ? "" : ", ") + Of(element, item);
      }
      return out + "}";
    }
    case Type::ENUM:
      return OfEnum(type, value.as<capnp::DynamicEnum>().getRaw());
    case Type::STRUCT:
      return OfStruct(models_.Make(type.getStruct().getTypeId()), value.as<capnp::DynamicStruct>());
    default:
      return "{}";
  }
}

std::string Literals::OfEnum(TypeReader type, uint16_t number) const {
  const std::string name = types_.Value(type);
  auto enumerants = index_.Node(type.getEnum().getTypeId()).getEnum().getEnumerants();
  if (number >= enumerants.size()) {
    return "static_cast<" + name + ">(" + std::to_string(number) + ")";
  }
  auto text = enumerants[number].getName();
  return name + "::" + ConstantCase({text.begin(), text.size()});
}

std::string Literals::OfStruct(const StructModel& model, capnp::DynamicStruct::Reader value) const {
  const std::string name = types_.Name(model.id);
  if (!model.has_any_union()) return name + Designated(model, value);
  return "[] {\n  " + name + " value;\n" + Assignments(model, value, "value") +
         "  return value;\n}()";
}

std::string Literals::Designated(const StructModel& model,
                                 capnp::DynamicStruct::Reader value) const {
  std::string out = "{";
  for (const StructModel::Member& member : model.fields) {
    if (IsDefault(value, member.field)) continue;
    out += (out.size() > 1 ? ", ." : ".") + member.name + " = ";
    out += member.group != nullptr
               ? Designated(*member.group, GroupOf(value, member.field))
               : Of(member.type(), value.get(capnp::Text::Reader(member.field.getName())));
  }
  return out + "}";
}

std::string Literals::Assignments(const StructModel& model, capnp::DynamicStruct::Reader value,
                                  const std::string& target) const {
  std::string out;
  for (const StructModel::Member& member : model.fields) {
    if (IsDefault(value, member.field)) continue;
    const std::string at = target + "." + member.name;
    out += member.group != nullptr
               ? Assignments(*member.group, GroupOf(value, member.field), at)
               : "  " + at + " = " +
                     Of(member.type(), value.get(capnp::Text::Reader(member.field.getName()))) +
                     ";\n";
  }
  KJ_IF_MAYBE (set, value.which()) {
    for (const StructModel::Member& member : model.alternatives) {
      if (member.discriminant() != set->getProto().getDiscriminantValue()) continue;
      if (member.group != nullptr) {
        const std::string at = target + "." + member.mutable_get + "()";
        out += "  " + at + ";\n" + Assignments(*member.group, GroupOf(value, member.field), at);
      } else if (member.type().isVoid()) {
        out += "  " + target + "." + member.set + "();\n";
      } else if (member.type().isStruct() && !value.has(*set)) {
        // What is not there has the default, which may be this very alternative of the same type.
        out += "  " + target + "." + member.mutable_get + "();\n";
      } else {
        out += "  " + target + "." + member.set + "(" + Of(member.type(), value.get(*set)) + ");\n";
      }
    }
  }
  return out;
}

}  // namespace drover::codegen
