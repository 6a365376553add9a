#include "drover/dynamic/json_params.h"

#include <capnp/dynamic.h>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "drover/dynamic/field_path.h"
#include "drover/dynamic/json_text.h"
#include "drover/dynamic/json_value.h"
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
using Json = const JsonValue&;
using Kind = JsonValue::Kind;

const char* KindOf(Json json) {
  switch (json.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return "a boolean";
    case Kind::kNumber:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kList:
      return "a list";
    case Kind::kObject:
      return "an object";
  }
  return "";
}

kj::StringPtr AsKj(const std::string& text) { return {text.c_str(), text.size()}; }

bool HoldsObjects(capnp::Type type) {
  while (type.isList()) type = type.asList().getElementType();
  return type.isInterface();
}

class ParamsReader {
 public:
  explicit ParamsReader(const std::vector<Proxy>& objects) : objects_(objects) {}

  void Struct(Json json, DynamicStruct::Builder out) {
    Expect(Kind::kObject, "an object", json);
    std::set<std::string> given;
    std::string alternative;
    for (size_t i = 0; i < json.names.size(); ++i) {
      const std::string& name = json.names[i];
      KJ_IF_MAYBE (field, out.getSchema().findFieldByName(AsKj(name))) {
        FieldPath::Step step(path_, name);
        if (!given.insert(name).second) Fail("is given twice");
        if (field->getProto().getDiscriminantValue() != schema::Field::NO_DISCRIMINANT) {
          if (!alternative.empty()) {
            Fail("is another alternative of the union that ", alternative, " is one of");
          }
          alternative = name;
        }
        Field(*field, json.elements[i], out);
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

  void Expect(Kind kind, const char* wanted, Json json) const {
    if (!json.is(kind)) FailKind(wanted, json);
  }

  // A field that is selected, if it is an alternative, and otherwise as it is by default.
  void Field(capnp::StructSchema::Field field, Json json, DynamicStruct::Builder out) {
    const capnp::Type type = field.getType();
    if (field.getProto().isGroup()) {
      return Struct(json, out.init(field).as<DynamicStruct>());
    }
    const bool absent = json.is(Kind::kNull) && (type.isStruct() || type.isInterface());
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
    Expect(Kind::kList, "a list", json);
    return object::CheckedSize(json.elements.size());
  }

  // `out` has the size of the JSON.
  void List(Json json, DynamicList::Builder out) {
    const capnp::Type type = out.getSchema().getElementType();
    const std::vector<JsonValue>& elements = json.elements;
    for (unsigned i = 0; i < out.size(); ++i) {
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
    for (unsigned i = 0; i < out.size(); ++i) {
      FieldPath::Step step(path_, i);
      out[i] = Integer<uint8_t>(json.elements[i], "a byte");
    }
  }

  // An object, or lists of them.
  void Objects(capnp::Type type, Json json, capnp::AnyPointer::Builder out) {
    if (type.isInterface()) return rpc::SetCapability(out, Object(json));
    auto pointers = object::InitPointerList(out, ListSize(json));
    for (unsigned i = 0; i < pointers.size(); ++i) {
      FieldPath::Step step(path_, i);
      Objects(type.asList().getElementType(), json.elements[i], pointers[i]);
    }
  }
  base::Ref<rpc::Capability> Object(Json json) const {
    if (json.is(Kind::kNull)) return nullptr;
    if (json.names != std::vector<std::string>{"$object"} || !json.elements[0].is(Kind::kNumber)) {
      Fail("expected {\"$object\": N} or null");
    }
    const std::string& text = json.elements[0].text;
    size_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || *rest != '\0' || number >= objects_.size()) {
      Fail("there is no object ", text, "; ", objects_.size(), " came with the call");
    }
    return objects_[number].capability();
  }

  DynamicValue::Reader Scalar(capnp::Type type, Json json) const {
    switch (type.which()) {
      case schema::Type::VOID:
        Expect(Kind::kNull, "null", json);
        return capnp::VOID;
      case schema::Type::BOOL:
        Expect(Kind::kBoolean, "a boolean", json);
        return json.boolean;
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
        return Float<float>(json, "Float32");
      case schema::Type::FLOAT64:
        return Float<double>(json, "Float64");
      case schema::Type::TEXT:
        Expect(Kind::kString, "a string", json);
        return capnp::Text::Reader(json.text.c_str(), json.text.size());
      case schema::Type::ENUM:
        return Enum(json, type.asEnum());
      default:
        Fail("is of type ", TypeName(type), ", which JSON does not say");
    }
  }

  template <class T>
  T Integer(Json json, const char* type) const {
    constexpr bool kLong = sizeof(T) == sizeof(int64_t);
    if (!(kLong && json.is(Kind::kString))) {
      Expect(Kind::kNumber, kLong ? "a number, or a string of digits" : "a number", json);
    }
    const char* end = json.text.data() + json.text.size();
    T value = 0;
    const auto [rest, error] = std::from_chars(json.text.data(), end, value);
    if (error == std::errc() && rest == end) return value;
    if (error == std::errc::result_out_of_range && rest == end) FailRange(json, type);
    // Negative, or written with a fraction or an exponent.
    double number = json.number;
    if (json.is(Kind::kString) && !absl::SimpleAtod(json.text, &number)) {
      Fail(Quoted(json.text), " is not an integer");
    }
    if (number < static_cast<double>(std::numeric_limits<T>::min()) ||
        number >= static_cast<double>(std::numeric_limits<T>::max()) + 1) {
      FailRange(json, type);
    }
    if (number != std::trunc(number)) Fail(json.text, " is not an integer");
    return static_cast<T>(number);
  }
  [[noreturn]] void FailRange(Json json, const char* type) const {
    Fail(json.text, " is out of the range of ", type);
  }

  template <class T>
  T Float(Json json, const char* type) const {
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    if (json.is(Kind::kString)) {
      if (json.text == "NaN") return std::numeric_limits<T>::quiet_NaN();
      if (json.text == "Infinity") return kInfinity;
      if (json.text == "-Infinity") return -kInfinity;
    }
    Expect(Kind::kNumber, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"", json);
    if (std::abs(json.number) > std::numeric_limits<T>::max()) FailRange(json, type);
    return static_cast<T>(json.number);
  }

  DynamicEnum Enum(Json json, capnp::EnumSchema type) const {
    if (json.is(Kind::kNumber)) return DynamicEnum(type, Integer<uint16_t>(json, "enumerants"));
    Expect(Kind::kString, "a string", json);
    KJ_IF_MAYBE (enumerant, type.findEnumerantByName(AsKj(json.text))) {
      return DynamicEnum(*enumerant);
    }
    std::string names;
    for (const auto enumerant : type.getEnumerants()) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", ToString(enumerant.getProto().getName()));
    }
    Fail(Quoted(json.text), " is none of ", names);
  }

  const std::vector<Proxy>& objects_;
  FieldPath path_;
};

}  // namespace

void ReadParams(std::string_view json, capnp::StructSchema type, const std::vector<Proxy>& objects,
                capnp::AnyPointer::Builder out) {
  const absl::StatusOr<JsonValue> parsed = ParseJson(json);
  if (!parsed.ok()) {
    throw object::CodecError(absl::InvalidArgumentError(
        absl::StrCat("the arguments are malformed JSON: ", parsed.status().message())));
  }
  ParamsReader(objects).Struct(*parsed, out.initAs<DynamicStruct>(type));
}

}  // namespace drover::dynamic
