#include "field_code.h"

namespace drover::codegen {
namespace {

std::string Counter(int depth) {
  static constexpr std::string_view kNames = "ijk";
  return depth < 3 ? std::string(1, kNames[depth]) : "i" + std::to_string(depth);
}

std::string ListName(int depth) { return depth == 0 ? "list" : "list" + std::to_string(depth + 1); }

// Whether the elements of a list, or of the lists in it, are capabilities.
bool HoldsCapabilities(TypeReader type) { return ElementOfLists(type).isInterface(); }

// The variable for a group's fields: address_out within out, address_city_out within that.
std::string GroupVariable(const std::string& outer, const std::string& group,
                          std::string_view suffix) {
  if (outer == suffix) return group + "_" + std::string(suffix);
  return outer.substr(0, outer.size() - suffix.size()) + group + "_" + std::string(suffix);
}

}  // namespace

const std::set<std::string>& FieldCode::LocalNames() {
  static const std::set<std::string>& kNames =
      *new std::set<std::string>{"call", "i", "j", "k", "list", "list2", "list3", "out"};
  return kNames;
}

std::string FieldCode::PointerAt(const std::string& fields, FieldReader field) const {
  return Object("PointerAt(") + fields + ", " + std::to_string(field.getSlot().getOffset()) + ")";
}

// Room for a Text or Data is made by the function that fills it. No field's name ends in `_` unless
// it is a word that is taken, which `size` is not.
std::string FieldCode::CopyBlob(TypeReader type, const std::string& value,
                                const std::string& init) const {
  return Object(type.isText() ? "CopyText(" : "CopyData(") + value +
         ", [&](uint32_t size_) { return " + init + "size_); });";
}

void FieldCode::WriteStruct(const StructModel& model, const std::string& value,
                            const std::string& builder) {
  for (const StructModel::Member& member : model.fields) {
    WriteField(member, value + "." + member.name, builder);
  }
  if (model.has_union()) WriteUnion(model, value, builder);
}

void FieldCode::ReadStruct(const StructModel& model, const std::string& value,
                           const std::string& reader) {
  for (const StructModel::Member& member : model.fields) {
    ReadField(member, value + "." + member.name, reader);
  }
  if (model.has_union()) ReadUnion(model, value, reader);
}

void FieldCode::WriteField(const StructModel::Member& member, const std::string& value,
                           const std::string& builder) {
  if (member.group != nullptr) {
    if (member.group->is_void()) return;
    const std::string group = GroupVariable(builder, member.name, "out");
    out_.Line("auto ", group, " = ", builder, ".get", member.capnp, "();");
    WriteStruct(*member.group, value, group);
    return;
  }
  const TypeReader type = member.type();
  const std::string init = builder + ".init" + member.capnp + "(";
  // An empty value is what a null pointer means, unless the schema has another default.
  const std::string guard = member.has_default() ? "" : "!" + value + ".empty()";
  auto guarded = [&](const std::string& condition, const std::string& statement) {
    condition.empty() ? out_.Line(statement) : out_.If(condition, statement);
  };
  if (type.isVoid()) return;
  if (type.isText() || type.isData()) {
    guarded(guard, CopyBlob(type, value, init));
  } else if (type.isList()) {
    guard.empty() ? out_.Open("{") : out_.Open("if (", guard, ") {");
    WriteList(type.getList().getElementType(), value,
              HoldsCapabilities(type)
                  ? Object("InitPointerList(") + PointerAt(builder, member.field) + ", "
                  : init,
              0);
    out_.Close();
  } else if (type.isStruct()) {
    guarded(member.boxed ? value + ".has_value()" : "",
            Codec(type) + "::Write(" + (member.boxed ? "*" : "") + value + ", " +
                Object("StructBuilder(") + init + ")));");
  } else if (type.isInterface()) {
    out_.Line(Object("SetProxy("), PointerAt(builder, member.field), ", ", value, ");");
  } else if (type.isEnum()) {
    out_.Line(builder, ".set", member.capnp, "(static_cast<",
              index_.CapnpName(type.getEnum().getTypeId()), ">(", value, "));");
  } else {
    out_.Line(builder, ".set", member.capnp, "(", value, ");");
  }
}

void FieldCode::WritePlain(const StructModel::Member& member, const std::string& value,
                           const std::string& plain) {
  const TypeReader type = member.type();
  if (type.isVoid()) return;
  const std::string offset = std::to_string(member.field.getSlot().getOffset());
  if (type.isBool()) {
    out_.Line(plain, ".SetBit(", offset, ", ", value, ");");
  } else if (type.isEnum()) {
    out_.Line(plain, ".Set<uint16_t>(", offset, ", static_cast<uint16_t>(", value, "));");
  } else {
    out_.Line(plain, ".Set<", types_.Value(type), ">(", offset, ", ", value, ");");
  }
}

void FieldCode::ReadField(const StructModel::Member& member, const std::string& value,
                          const std::string& reader) {
  const std::string get = reader + ".get" + member.capnp + "()";
  if (member.group != nullptr) {
    if (member.group->is_void()) return;
    const std::string group = GroupVariable(reader, member.name, "in");
    out_.Line("auto ", group, " = ", get, ";");
    ReadStruct(*member.group, value, group);
    return;
  }
  const TypeReader type = member.type();
  if (type.isVoid()) {
    return;
  } else if (type.isList()) {
    ReadList(type.getList().getElementType(), value,
             HoldsCapabilities(type)
                 ? Object("PointerList(") + PointerAt(reader, member.field) + ")"
                 : get,
             0);
  } else if (member.boxed) {
    out_.Line(value, ".reset();");
    out_.Open("if (", reader, ".has", member.capnp, "()) {");
    out_.Line(Codec(type), "::Read(", Object("StructReader("), get, "), ", value, ".emplace());");
    out_.Close();
  } else {
    ReadElement(type, value, type.isInterface() ? PointerAt(reader, member.field) : get);
  }
}

void FieldCode::WriteUnion(const StructModel& model, const std::string& value,
                           const std::string& builder) {
  out_.Open("switch (", value, ".which()) {");
  for (const StructModel::Member& member : model.alternatives) {
    out_.Open("case ", model.qualified_name, "::Which::", member.enumerator, ": {");
    WriteAlternative(model, member, value + "." + member.name + "()", builder);
    out_.Line("break;");
    out_.Close();
  }
  out_.Open("default:");
  out_.Line(Object("FailUnknownAlternative("), "\"", index_.DottedName(model.id),
            "\", static_cast<uint16_t>(", value, ".which()));");
  out_.Outdent();
  out_.Close();
}

void FieldCode::WriteAlternative(const StructModel& model, const StructModel::Member& member,
                                 const std::string& value, const std::string& builder) {
  if (member.group != nullptr) {
    if (member.group->is_void()) {
      out_.Line(builder, ".init", member.capnp, "();");
      return;
    }
    const std::string group = GroupVariable(builder, member.name, "out");
    out_.Line("auto ", group, " = ", builder, ".init", member.capnp, "();");
    WriteStruct(*member.group, value, group);
    return;
  }
  const TypeReader type = member.type();
  const std::string init = builder + ".init" + member.capnp + "(";
  if (type.isVoid()) {
    out_.Line(builder, ".set", member.capnp, "();");
  } else if (type.isText() || type.isData()) {
    out_.Line(CopyBlob(type, value, init));
  } else if (type.isList() && !HoldsCapabilities(type)) {
    WriteList(type.getList().getElementType(), value, init, 0);
  } else if (member.boxed || HoldsCapabilities(type)) {
    // No accessor of Cap'n Proto's sets the alternative and leaves its pointer alone.
    out_.Line(Object("SetDiscriminant("), builder, ", ",
              std::to_string(index_.Node(model.id).getStruct().getDiscriminantOffset()), ", ",
              std::to_string(member.discriminant()), ");");
    WriteField(member, value, builder);
  } else {
    WriteField(member, value, builder);
  }
}

void FieldCode::ReadUnion(const StructModel& model, const std::string& value,
                          const std::string& reader) {
  const std::string which = model.qualified_name + "::Which";
  out_.Open("switch (static_cast<", which, ">(", reader, ".which())) {");
  for (const StructModel::Member& member : model.alternatives) {
    out_.Open("case ", which, "::", member.enumerator, ": {");
    ReadAlternative(member, value, reader);
    out_.Line("break;");
    out_.Close();
  }
  out_.Open("default:");
  out_.Line(value, ".alternative_.SetUnknown(static_cast<uint16_t>(", reader, ".which()));");
  out_.Outdent();
  out_.Close();
}

void FieldCode::ReadAlternative(const StructModel::Member& member, const std::string& value,
                                const std::string& reader) {
  if (member.group == nullptr && member.type().isVoid()) {
    out_.Line(value, ".", member.set, "();");
    return;
  }
  if (member.group == nullptr && IsScalar(member.type())) {
    out_.Line(value, ".", member.set, "(", ReadExpression(member, reader), ");");
    return;
  }
  if (member.group != nullptr && member.group->is_void()) {
    out_.Line(value, ".", member.mutable_get, "();");
    return;
  }
  const std::string target = member.name + "_value";
  out_.Line("auto& ", target, " = ", value, ".", member.mutable_get, "();");
  ReadField(member, target, reader);
}

void FieldCode::WriteList(TypeReader element, const std::string& value, const std::string& init,
                          int depth) {
  const std::string made = init + Object("SizeOf(") + value + "))";
  if (element.isVoid()) {
    out_.Line(made, ";");
    return;
  }
  if (IsScalar(element) && !element.isEnum()) {
    out_.Line(Object("CopyList("), value, ", ", made, ");");
    return;
  }
  const std::string list = ListName(depth);
  const std::string i = Counter(depth);
  out_.Line("auto ", list, " = ", made, ";");
  out_.Open("for (uint32_t ", i, " = 0; ", i, " < ", list, ".size(); ++", i, ") {");
  WriteElement(element, value + "[" + i + "]", list, i, depth);
  out_.Close();
}

void FieldCode::WriteElement(TypeReader type, const std::string& value, const std::string& list,
                             const std::string& i, int depth) {
  const std::string init = list + ".init(" + i + ", ";
  const std::string at = list + "[" + i + "]";
  if (type.isList()) {
    WriteList(type.getList().getElementType(), value,
              HoldsCapabilities(type) ? Object("InitPointerList(") + at + ", " : init, depth + 1);
  } else if (type.isText() || type.isData()) {
    out_.Line(CopyBlob(type, value, init));
  } else if (type.isStruct()) {
    out_.Line(Codec(type), "::Write(", value, ", ", Object("StructBuilder("), at, "));");
  } else if (type.isInterface()) {
    out_.Line(Object("SetProxy("), at, ", ", value, ");");
  } else {
    out_.Line(list, ".set(", i, ", static_cast<", index_.CapnpName(type.getEnum().getTypeId()),
              ">(", value, "));");
  }
}

void FieldCode::ReadList(TypeReader element, const std::string& value, const std::string& list,
                         int depth) {
  if (element.isVoid()) {
    out_.Line(value, ".resize(", list, ".size());");
    return;
  }
  if (IsScalar(element) && !element.isEnum()) {
    out_.Line(Object("ReadList("), list, ", ", value, ");");
    return;
  }
  const std::string name = ListName(depth);
  const std::string i = Counter(depth);
  if (depth == 0) out_.Open("{");
  out_.Line("auto ", name, " = ", list, ";");
  out_.Line(value, ".resize(", name, ".size());");
  out_.Open("for (uint32_t ", i, " = 0; ", i, " < ", name, ".size(); ++", i, ") {");
  const std::string at = name + "[" + i + "]";
  if (element.isList()) {
    ReadList(element.getList().getElementType(), value + "[" + i + "]",
             HoldsCapabilities(element) ? Object("PointerList(") + at + ")" : at, depth + 1);
  } else {
    ReadElement(element, value + "[" + i + "]", at);
  }
  out_.Close();
  if (depth == 0) out_.Close();
}

void FieldCode::ReadElement(TypeReader type, const std::string& value, const std::string& element) {
  if (type.isStruct()) {
    out_.Line(Codec(type), "::Read(", Object("StructReader("), element, "), ", value, ");");
  } else {
    out_.Line(value, " = ", ElementExpression(type, element), ";");
  }
}

std::string FieldCode::ElementExpression(TypeReader type, const std::string& element) const {
  if (type.isText()) return Object("ToString(") + element + ")";
  if (type.isData()) return Object("ToBytes(") + element + ")";
  if (type.isInterface()) return Object("GetProxy<") + types_.Value(type) + ">(" + element + ")";
  if (type.isEnum()) return "static_cast<" + types_.Value(type) + ">(" + element + ")";
  return element;
}

std::string FieldCode::ReadExpression(const StructModel::Member& member,
                                      const std::string& reader) const {
  if (member.group != nullptr) return "";
  const TypeReader type = member.type();
  if (type.isStruct() || type.isList() || type.isVoid()) return "";
  const std::string get = reader + ".get" + member.capnp + "()";
  return ElementExpression(type, type.isInterface() ? PointerAt(reader, member.field) : get);
}

}  // namespace drover::codegen
