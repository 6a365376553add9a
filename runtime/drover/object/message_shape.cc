#include <capnp/layout.h>
#include <capnp/list.h>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "drover/object/fields_internal.h"
#include "drover/object/message_shape_internal.h"

namespace drover::object {
namespace {

using capnp::_::ListReader;
using capnp::_::PointerReader;
using RawStruct = capnp::_::StructReader;  // StructReader is another class here
using PointerHelpers = capnp::_::PointerHelpers<capnp::AnyPointer>;

struct StructShape;

// What a pointer leads to.
struct PointerShape {
  enum class Kind { kAny, kText, kData, kStruct, kList, kCapability };
  Kind kind = Kind::kAny;
  const StructShape* fields = nullptr;  // of a struct
  capnp::ElementSize element_size = capnp::ElementSize::VOID;
  // Of a list whose elements are pointers or structs that hold some; otherwise null.
  std::unique_ptr<PointerShape> element;
};

// A pointer of a struct, there if all unions around it are set so.
struct FieldShape {
  struct Choice {
    uint32_t offset;
    uint16_t value;
  };
  std::vector<Choice> choices;
  uint32_t slot;
  PointerShape shape;
};

struct StructShape {
  std::vector<FieldShape> fields;
};

capnp::ElementSize SizeInList(capnp::Type type) {
  using capnp::ElementSize;
  switch (type.which()) {
    case capnp::schema::Type::VOID:
      return ElementSize::VOID;
    case capnp::schema::Type::BOOL:
      return ElementSize::BIT;
    case capnp::schema::Type::INT8:
    case capnp::schema::Type::UINT8:
      return ElementSize::BYTE;
    case capnp::schema::Type::INT16:
    case capnp::schema::Type::UINT16:
    case capnp::schema::Type::ENUM:
      return ElementSize::TWO_BYTES;
    case capnp::schema::Type::INT32:
    case capnp::schema::Type::UINT32:
    case capnp::schema::Type::FLOAT32:
      return ElementSize::FOUR_BYTES;
    case capnp::schema::Type::INT64:
    case capnp::schema::Type::UINT64:
    case capnp::schema::Type::FLOAT64:
      return ElementSize::EIGHT_BYTES;
    case capnp::schema::Type::STRUCT:
      return ElementSize::INLINE_COMPOSITE;
    default:
      return ElementSize::POINTER;
  }
}

bool HoldsPointers(capnp::StructSchema schema) {
  return schema.getProto().getStruct().getPointerCount() > 0;
}

[[noreturn]] void Fail(const char* why) { throw CodecError(absl::InvalidArgumentError(why)); }

}  // namespace

struct MessageShape::Structs {
  const StructShape* Find(capnp::StructSchema schema) {
    const uint64_t id = schema.getProto().getId();
    auto [it, missing] = by_id.emplace(id, nullptr);
    if (!missing) return it->second.get();
    it->second = std::make_unique<StructShape>();
    StructShape* shape = it->second.get();  // known before what is in it, which may be of its type
    AddFields(schema, {}, *shape);
    return shape;
  }

  void AddFields(capnp::StructSchema schema, const std::vector<FieldShape::Choice>& around,
                 StructShape& out) {
    const uint32_t offset = schema.getProto().getStruct().getDiscriminantOffset();
    for (capnp::StructSchema::Field field : schema.getFields()) {
      std::vector<FieldShape::Choice> choices = around;
      const auto proto = field.getProto();
      if (const uint16_t value = proto.getDiscriminantValue();
          value != capnp::schema::Field::NO_DISCRIMINANT) {
        choices.push_back({offset, value});
      }
      if (proto.isGroup()) {
        AddFields(field.getType().asStruct(), choices, out);
      } else if (SizeInList(field.getType()) == capnp::ElementSize::POINTER ||
                 field.getType().isStruct()) {
        out.fields.push_back(
            {std::move(choices), proto.getSlot().getOffset(), Pointer(field.getType())});
      }
    }
  }

  PointerShape Pointer(capnp::Type type) {
    PointerShape shape;
    switch (type.which()) {
      case capnp::schema::Type::TEXT:
        shape.kind = PointerShape::Kind::kText;
        break;
      case capnp::schema::Type::DATA:
        shape.kind = PointerShape::Kind::kData;
        break;
      case capnp::schema::Type::INTERFACE:
        shape.kind = PointerShape::Kind::kCapability;
        break;
      case capnp::schema::Type::STRUCT:
        shape.kind = PointerShape::Kind::kStruct;
        shape.fields = Find(type.asStruct());
        break;
      case capnp::schema::Type::LIST: {
        const capnp::Type element = type.asList().getElementType();
        shape.kind = PointerShape::Kind::kList;
        shape.element_size = SizeInList(element);
        const bool walked = element.isStruct() ? HoldsPointers(element.asStruct())
                                               : shape.element_size == capnp::ElementSize::POINTER;
        if (walked) shape.element = std::make_unique<PointerShape>(Pointer(element));
        break;
      }
      default:
        break;
    }
    return shape;
  }

  const StructShape* root = nullptr;
  std::map<uint64_t, std::unique_ptr<StructShape>> by_id;
};

// Each step is what the accessor of such a field does, with the checks of that.
class MessageShape::Walk {
 public:
  static void Struct(const RawStruct& reader, const StructShape& shape) {
    for (const FieldShape& field : shape.fields) {
      if (!Chosen(reader, field)) continue;
      Pointer(reader.getPointerField(field.slot * capnp::POINTERS), field.shape);
    }
  }

  static void Pointer(const PointerReader& pointer, const PointerShape& shape) {
    if (pointer.isNull()) return;
    switch (shape.kind) {
      case PointerShape::Kind::kText:
        pointer.getBlob<capnp::Text>(nullptr, capnp::ZERO * capnp::BYTES);
        break;
      case PointerShape::Kind::kData:
        pointer.getBlob<capnp::Data>(nullptr, capnp::ZERO * capnp::BYTES);
        break;
      case PointerShape::Kind::kStruct:
        Struct(pointer.getStruct(nullptr), *shape.fields);
        break;
      case PointerShape::Kind::kList:
        List(pointer.getList(shape.element_size, nullptr), shape);
        break;
      case PointerShape::Kind::kCapability:
        if (pointer.getPointerType() != capnp::PointerType::CAPABILITY) {
          Fail("malformed message: it holds data where a capability belongs");
        }
        break;
      case PointerShape::Kind::kAny:
        break;
    }
  }

 private:
  static bool Chosen(const RawStruct& reader, const FieldShape& field) {
    for (const FieldShape::Choice& choice : field.choices) {
      if (reader.getDataField<uint16_t>(choice.offset * capnp::ELEMENTS) != choice.value) {
        return false;
      }
    }
    return true;
  }

  static void List(const ListReader& list, const PointerShape& shape) {
    if (shape.element == nullptr) return;
    const auto size = list.size() / capnp::ELEMENTS;
    for (uint32_t i = 0; i < size; ++i) {
      if (shape.element_size == capnp::ElementSize::POINTER) {
        Pointer(list.getPointerElement(i * capnp::ELEMENTS), *shape.element);
      } else {
        Struct(list.getStructElement(i * capnp::ELEMENTS), *shape.element->fields);
      }
    }
  }
};

MessageShape::MessageShape(capnp::StructSchema schema) : structs_(std::make_unique<Structs>()) {
  structs_->root = structs_->Find(schema);
}

MessageShape::~MessageShape() = default;

absl::Status MessageShape::Check(capnp::AnyPointer::Reader message) const {
  return CatchCodecErrors([&] {
    const PointerReader pointer = PointerHelpers::getInternalReader(message);
    if (!pointer.isNull()) Walk::Struct(pointer.getStruct(nullptr), *structs_->root);
  });
}

}  // namespace drover::object
