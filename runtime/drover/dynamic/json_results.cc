#include "drover/dynamic/json_results.h"

#include <capnp/dynamic.h>

#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "drover/dynamic/field_path.h"
#include "drover/dynamic/json_text.h"
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

class ResultsWriter {
 public:
  void Struct(DynamicStruct::Reader in) {
    const capnp::StructSchema::Field* chosen = nullptr;
    const auto which = in.which();
    KJ_IF_MAYBE (field, which) {
      chosen = field;
    }
    Add("{");
    bool first = true;
    for (const auto field : in.getSchema().getFields()) {
      const bool alternative =
          field.getProto().getDiscriminantValue() != schema::Field::NO_DISCRIMINANT;
      if (alternative && (chosen == nullptr || !(*chosen == field))) continue;
      const std::string name = ToString(field.getProto().getName());
      FieldPath::Step step(path_, name);
      Add(first ? "" : ",");
      first = false;
      Add(Quoted(name));
      Add(":");
      Field(field, in);
    }
    Add("}");
  }

  JsonResults Take() { return std::move(results_); }

 private:
  // The text of a message can be much longer than the message.
  void Add(std::string_view text) {
    if (results_.json.size() + text.size() > kMaxJsonBytes) {
      throw object::CodecError(absl::ResourceExhaustedError(
          absl::StrCat("the results are longer than ", kMaxJsonBytes, " bytes as JSON")));
    }
    results_.json += text;
  }

  void Field(capnp::StructSchema::Field field, DynamicStruct::Reader in) {
    const auto proto = field.getProto();
    const capnp::Type type = field.getType();
    if (proto.isGroup()) return Struct(in.get(field).as<DynamicStruct>());
    const auto slot = proto.getSlot();
    capnp::Type element = type;
    while (element.isList()) element = element.asList().getElementType();
    if (element.isInterface()) return Objects(type, object::PointerAt(in, slot.getOffset()));
    if (type.isStruct() && !slot.getHadExplicitDefault() &&
        object::PointerAt(in, slot.getOffset()).isNull()) {
      return Add("null");
    }
    Value(type, in.get(field));
  }

  void Objects(capnp::Type type, capnp::AnyPointer::Reader pointer) {
    if (type.isInterface()) return Object(type.asInterface(), pointer);
    Add("[");
    uint32_t i = 0;
    for (const auto element : object::PointerList(pointer)) {
      FieldPath::Step step(path_, i);
      Add(i++ == 0 ? "" : ",");
      Objects(type.asList().getElementType(), element);
    }
    Add("]");
  }
  void Object(capnp::InterfaceSchema type, capnp::AnyPointer::Reader pointer) {
    base::Ref<rpc::Capability> capability = rpc::GetCapability(pointer);
    if (!capability) return Add("null");
    Add(absl::StrCat("{\"$object\":", results_.objects.size(), "}"));
    results_.objects.push_back({.capability = std::move(capability),
                                .interface_id = type.getProto().getId(),
                                .path = path_.text()});
  }

  void Value(capnp::Type type, DynamicValue::Reader value) {
    switch (type.which()) {
      case schema::Type::VOID:
        return Add("null");
      case schema::Type::BOOL:
        return Add(value.as<bool>() ? "true" : "false");
      case schema::Type::INT8:
      case schema::Type::INT16:
      case schema::Type::INT32:
        return Add(absl::StrCat(value.as<int32_t>()));
      case schema::Type::UINT8:
      case schema::Type::UINT16:
      case schema::Type::UINT32:
        return Add(absl::StrCat(value.as<uint32_t>()));
      case schema::Type::INT64:
        return Add(absl::StrCat("\"", value.as<int64_t>(), "\""));
      case schema::Type::UINT64:
        return Add(absl::StrCat("\"", value.as<uint64_t>(), "\""));
      case schema::Type::FLOAT32:
        return Float(value.as<float>());
      case schema::Type::FLOAT64:
        return Float(value.as<double>());
      case schema::Type::TEXT: {
        const capnp::Text::Reader text = value.as<capnp::Text>();
        return Add(Quoted({text.begin(), text.size()}));
      }
      case schema::Type::DATA:
        return Data(value.as<capnp::Data>());
      case schema::Type::ENUM:
        return Enum(value.as<DynamicEnum>());
      case schema::Type::LIST:
        return List(value.as<DynamicList>());
      case schema::Type::STRUCT:
        return Struct(value.as<DynamicStruct>());
      default:
        throw object::CodecError(absl::UnimplementedError(
            absl::StrCat("field ", path_.text(), " is an AnyPointer, which JSON does not say")));
    }
  }

  template <class T>
  void Float(T number) {
    if (std::isnan(number)) return Add("\"NaN\"");
    if (std::isinf(number)) return Add(number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    Add(NumberText(number));
  }

  void Data(capnp::Data::Reader data) {
    Add("[");
    for (size_t i = 0; i < data.size(); ++i) {
      if (i > 0) Add(",");
      Add(absl::StrCat(static_cast<unsigned>(data[i])));
    }
    Add("]");
  }

  void Enum(DynamicEnum value) {
    const auto enumerant = value.getEnumerant();
    KJ_IF_MAYBE (known, enumerant) {
      return Add(Quoted(ToString(known->getProto().getName())));
    }
    Add(absl::StrCat(value.getRaw()));
  }

  void List(DynamicList::Reader list) {
    const capnp::Type type = list.getSchema().getElementType();
    const bool nests = type.isStruct() || type.isList();
    Add("[");
    for (uint32_t i = 0; i < list.size(); ++i) {
      if (i > 0) Add(",");
      std::optional<FieldPath::Step> step;
      if (nests) step.emplace(path_, i);
      Value(type, list[i]);
    }
    Add("]");
  }

  JsonResults results_;
  FieldPath path_;
};

}  // namespace

JsonResults WriteResults(capnp::AnyPointer::Reader results, capnp::StructSchema type) {
  ResultsWriter writer;
  writer.Struct(results.getAs<DynamicStruct>(type));
  return writer.Take();
}

}  // namespace drover::dynamic
