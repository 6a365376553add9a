#include "drover/dynamic/json_params.h"

#include <capnp/compat/json.h>
#include <capnp/dynamic.h>
#include <capnp/message.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "drover/dynamic/field_path.h"
#include "drover/dynamic/json_text.h"
#include "drover/dynamic/schema_text.h"
#include "drover/object/fields_internal.h"
#include "drover/rpc/message_caps.h"

namespace drover::dynamic {
namespace {

namespace schema = capnp::schema;
using capnp::DynamicEnum;
using capnp::DynamicList;
using capnp::DynamicStruct;
using capnp::DynamicValue;
using object::ToString;
using Json = capnp::JsonValue::Reader;

// Beyond it not every integer is a double, as which JSON's numbers are read.
constexpr double kExact = 9007199254740992.0;

const char* KindOf(Json json) {
  switch (json.which()) {
    case capnp::JsonValue::NULL_:
      return "null";
    case capnp::JsonValue::BOOLEAN:
      return "a boolean";
    case capnp::JsonValue::NUMBER:
      return "a number";
    case capnp::JsonValue::STRING:
      return "a string";
    case capnp::JsonValue::ARRAY:
      return "a list";
    case capnp::JsonValue::OBJECT:
      return "an object";
    default:
      return "something else";
  }
}

bool HoldsObjects(capnp::Type type) {
  while (type.isList()) type = type.asList().getElementType();
  return type.isInterface();
}

class ParamsReader {
 public:
  explicit ParamsReader(const std::vector<Proxy>& objects) : objects_(objects) {}

  void Struct(Json json, DynamicStruct::Builder out) {
    if (!json.isObject()) FailKind("an object", json);
    std::set<std::string> given;
    std::string alternative;
    for (const auto member : json.getObject()) {
      const std::string name = ToString(member.getName());
      KJ_IF_MAYBE (field, out.getSchema().findFieldByName(member.getName())) {
        FieldPath::Step step(path_, name);
        if (!given.insert(name).second) Fail("is given twice");
        if (field->getProto().getDiscriminantValue() != schema::Field::NO_DISCRIMINANT) {
          if (!alternative.empty()) {
            Fail("is another alternative of the union that ", alternative, " is one of");
          }
          alternative = name;
        }
        Field(*field, member.getValue(), out);
      } else {
        FailUnknownField(name, out.getSchema());
      }
    }
  }

 private:
  template <class... Args>
  [[noreturn]] void Fail(const Args&... what) const {
    const std::string where =
        path_.text().empty() ? "the arguments" : absl::StrCat("field ", path_.text());
    throw object::CodecError(absl::InvalidArgumentError(absl::StrCat(where, ": ", what...)));
  }
  [[noreturn]] void FailKind(const char* wanted, Json json) const {
    Fail("expected ", wanted, ", got ", KindOf(json));
  }
  [[noreturn]] void FailUnknownField(const std::string& name, capnp::StructSchema type) const {
    std::string names;
    for (const auto field : type.getFields()) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", ToString(field.getProto().getName()));
    }
    Fail("there is no field ", Quoted(name), "; there is ", names.empty() ? "none" : names);
  }

  // A field that is selected, if it is an alternative, and otherwise as it is by default.
  void Field(capnp::StructSchema::Field field, Json json, DynamicStruct::Builder out) {
    const capnp::Type type = field.getType();
    if (field.getProto().isGroup()) {
      return Struct(json, out.init(field).as<DynamicStruct>());
    }
    const bool absent = json.isNull() && (type.isStruct() || type.isInterface());
    if (absent) return out.clear(field);
    if (HoldsObjects(type)) {
      out.clear(field);
      return Objects(type, json, object::PointerAt(out, field.getProto().getSlot().getOffset()));
    }
    switch (type.which()) {
      case schema::Type::LIST:
        List(json, out.init(field, ListSize(json)).as<DynamicList>());
        break;
      case schema::Type::DATA:
        Data(json, out.init(field, ListSize(json)).as<capnp::Data>());
        break;
      case schema::Type::STRUCT:
        Struct(json, out.init(field).as<DynamicStruct>());
        break;
      default:
        out.set(field, Scalar(type, json));
    }
  }

  unsigned ListSize(Json json) const {
    if (!json.isArray()) FailKind("a list", json);
    return json.getArray().size();
  }

  // `out` has the size of the JSON.
  void List(Json json, DynamicList::Builder out) {
    const capnp::Type type = out.getSchema().getElementType();
    const auto elements = json.getArray();
    for (unsigned i = 0; i < elements.size(); ++i) {
      FieldPath::Step step(path_, i);
      switch (type.which()) {
        case schema::Type::LIST:
          List(elements[i], out.init(i, ListSize(elements[i])).as<DynamicList>());
          break;
        case schema::Type::DATA:
          Data(elements[i], out.init(i, ListSize(elements[i])).as<capnp::Data>());
          break;
        case schema::Type::STRUCT:
          Struct(elements[i], out[i].as<DynamicStruct>());
          break;
        default:
          out.set(i, Scalar(type, elements[i]));
      }
    }
  }

  void Data(Json json, capnp::Data::Builder out) {
    const auto bytes = json.getArray();
    for (unsigned i = 0; i < bytes.size(); ++i) {
      FieldPath::Step step(path_, i);
      out[i] = Integer<uint8_t>(bytes[i], "a byte");
    }
  }

  // An object, or lists of them.
  void Objects(capnp::Type type, Json json, capnp::AnyPointer::Builder out) {
    if (type.isInterface()) return rpc::SetCapability(out, Object(json));
    auto pointers = object::InitPointerList(out, ListSize(json));
    for (unsigned i = 0; i < pointers.size(); ++i) {
      FieldPath::Step step(path_, i);
      Objects(type.asList().getElementType(), json.getArray()[i], pointers[i]);
    }
  }
  base::Ref<rpc::Capability> Object(Json json) const {
    if (json.isNull()) return nullptr;
    if (!json.isObject() || json.getObject().size() != 1 ||
        json.getObject()[0].getName() != "$object" || !json.getObject()[0].getValue().isNumber()) {
      Fail("expected {\"$object\": N} or null");
    }
    const double number = json.getObject()[0].getValue().getNumber();
    if (number != std::trunc(number) || number < 0 ||
        number >= static_cast<double>(objects_.size())) {
      Fail("there is no object ", NumberText(number), "; ", objects_.size(), " came with the call");
    }
    return objects_[static_cast<size_t>(number)].capability();
  }

  DynamicValue::Reader Scalar(capnp::Type type, Json json) const {
    switch (type.which()) {
      case schema::Type::VOID:
        if (!json.isNull()) FailKind("null", json);
        return capnp::VOID;
      case schema::Type::BOOL:
        if (!json.isBoolean()) FailKind("a boolean", json);
        return json.getBoolean();
      case schema::Type::INT8:
        return Integer<int8_t>(json, "Int8");
      case schema::Type::INT16:
        return Integer<int16_t>(json, "Int16");
      case schema::Type::INT32:
        return Integer<int32_t>(json, "Int32");
      case schema::Type::INT64:
        return Integer<int64_t>(json, "Int64");
      case schema::Type::UINT8:
        return Integer<uint8_t>(json, "UInt8");
      case schema::Type::UINT16:
        return Integer<uint16_t>(json, "UInt16");
      case schema::Type::UINT32:
        return Integer<uint32_t>(json, "UInt32");
      case schema::Type::UINT64:
        return Integer<uint64_t>(json, "UInt64");
      case schema::Type::FLOAT32:
        return static_cast<float>(Float(json, std::numeric_limits<float>::max(), "Float32"));
      case schema::Type::FLOAT64:
        return Float(json, std::numeric_limits<double>::max(), "Float64");
      case schema::Type::TEXT:
        if (!json.isString()) FailKind("a string", json);
        return json.getString();
      case schema::Type::ENUM:
        return Enum(json, type.asEnum());
      default:
        Fail("is of type ", TypeName(type), ", which JSON does not say");
    }
  }

  template <class T>
  T Integer(Json json, const char* type) const {
    constexpr bool kLong = sizeof(T) == sizeof(int64_t);
    if (kLong && json.isString()) return LongInteger<T>(ToString(json.getString()), type);
    if (!json.isNumber()) FailKind(kLong ? "a number, or a string of digits" : "a number", json);
    const double number = json.getNumber();
    if (number != std::trunc(number)) Fail(NumberText(number), " is not an integer");
    if (kLong && std::abs(number) >= kExact) {
      Fail(NumberText(number), " is not exact as a JSON number: write it as a string of digits");
    }
    if (number < static_cast<double>(std::numeric_limits<T>::min()) ||
        number > static_cast<double>(std::numeric_limits<T>::max())) {
      FailRange(NumberText(number), type);
    }
    return static_cast<T>(number);
  }
  template <class T>
  T LongInteger(const std::string& digits, const char* type) const {
    T value = 0;
    const char* end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, value);
    const bool negative = std::is_unsigned_v<T> && digits.starts_with('-');
    if (error == std::errc::result_out_of_range || negative) FailRange(digits, type);
    if (error != std::errc() || rest != end) Fail(Quoted(digits), " is not an integer");
    return value;
  }
  [[noreturn]] void FailRange(const std::string& number, const char* type) const {
    Fail(number, " is out of the range of ", type);
  }

  double Float(Json json, double most, const char* type) const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (json.isString()) {
      if (json.getString() == "NaN") return std::numeric_limits<double>::quiet_NaN();
      if (json.getString() == "Infinity") return kInfinity;
      if (json.getString() == "-Infinity") return -kInfinity;
    }
    if (!json.isNumber()) FailKind("a number, \"NaN\", \"Infinity\" or \"-Infinity\"", json);
    if (std::abs(json.getNumber()) > most) FailRange(NumberText(json.getNumber()), type);
    return json.getNumber();
  }

  DynamicEnum Enum(Json json, capnp::EnumSchema type) const {
    if (json.isNumber()) return DynamicEnum(type, Integer<uint16_t>(json, "enumerants"));
    if (!json.isString()) FailKind("a string", json);
    KJ_IF_MAYBE (enumerant, type.findEnumerantByName(json.getString())) {
      return DynamicEnum(*enumerant);
    }
    std::string names;
    for (const auto enumerant : type.getEnumerants()) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", ToString(enumerant.getProto().getName()));
    }
    Fail(Quoted(ToString(json.getString())), " is none of ", names);
  }

  const std::vector<Proxy>& objects_;
  FieldPath path_;
};

}  // namespace

void ReadParams(std::string_view json, capnp::StructSchema type, const std::vector<Proxy>& objects,
                capnp::AnyPointer::Builder out) {
  capnp::MallocMessageBuilder message;
  auto parsed = message.initRoot<capnp::JsonValue>();
  try {
    capnp::JsonCodec().decodeRaw(kj::arrayPtr(json.data(), json.size()), parsed);
  } catch (const kj::Exception& e) {
    throw object::CodecError(absl::InvalidArgumentError(
        absl::StrCat("the arguments are malformed JSON: ", e.getDescription().cStr())));
  }
  ParamsReader(objects).Struct(parsed.asReader(), out.initAs<DynamicStruct>(type));
}

}  // namespace drover::dynamic
