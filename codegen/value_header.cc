#include "value_header.h"

#include <set>
#include <string>

#include "names.h"

namespace drover::codegen {
namespace {

std::string MemberType(const FilePlan& plan, const StructModel::Member& member) {
  if (member.group != nullptr) return member.group->type_name;
  const std::string type = plan.types.Value(member.type());
  return member.boxed ? "drover::Box<" + type + ">" : type;
}

// Aliases for what the schema declares inside a struct or interface.
void WriteAliases(FilePlan& plan, const std::string& name, uint64_t id, CodeWriter& out) {
  const std::string flat = plan.index.FlatName(id);
  if (!plan.index.Node(id).isInterface()) {
    out.Line("using ", name, " = ", flat, ";");
    return;
  }
  for (uint64_t scope : plan.scopes) {
    if (scope == id) out.Line("using ", name, " = ", flat, ";");
  }
  for (const char* kind : {"Proxy", "Servant", "AsyncServant"}) {
    out.Line("using ", name, kind, " = ", flat, kind, ";");
  }
}

void WriteAlternative(const FilePlan& plan, const StructModel::Member& member, CodeWriter& out) {
  const std::string position = "<" + std::to_string(member.discriminant()) + ">(";
  const std::string type = MemberType(plan, member);
  out.Comment(member.comment);
  out.OneLiner("bool " + member.is + "() const", "return alternative_.Is" + position + ");");
  if (member.group == nullptr && member.type().isVoid()) {
    out.OneLiner("void " + member.set + "()", "alternative_.Set" + position + "{});");
    return;
  }
  if (member.group == nullptr && IsScalar(member.type())) {
    out.OneLiner(type + " " + member.name + "() const",
                 "return alternative_.Get" + position + ");");
    out.OneLiner("void " + member.set + "(" + type + " value)",
                 "alternative_.Set" + position + "value);");
    return;
  }
  out.OneLiner("const " + type + "& " + member.name + "() const",
               "return alternative_.Get" + position + ");");
  if (member.has_default()) {
    out.Open(type, "& ", member.mutable_get, "() {");
    out.Line("if (!", member.is, "()) ", member.set, "(", plan.literals.Default(member), ");");
    out.Line("return alternative_.Mutable", position, ");");
    out.Close();
  } else {
    out.OneLiner(type + "& " + member.mutable_get + "()",
                 "return alternative_.Mutable" + position + ");");
  }
  out.OneLiner("void " + member.set + "(" + type + " value)",
               "alternative_.Set" + position + "std::move(value));");
}

void WriteUnion(const FilePlan& plan, const StructModel& model, CodeWriter& out) {
  out.Blank();
  out.Line(
      "// Which of the alternatives below is set; a number not listed here is one that a newer");
  out.Line("// peer knows.");
  out.Open("enum class Which : uint16_t {");
  std::string types;
  for (const StructModel::Member& member : model.alternatives) {
    out.Line(member.enumerator, " = ", std::to_string(member.discriminant()), ",");
    types += (types.empty() ? "" : ", ") + MemberType(plan, member);
  }
  out.Close("};");
  out.Line("Which which() const { return static_cast<Which>(alternative_.which()); }");
  for (const StructModel::Member& member : model.alternatives) {
    out.Blank();
    WriteAlternative(plan, member, out);
  }
  const std::string first = plan.literals.Default(model.alternatives[0]);
  out.Blank();
  out.Line("// Storage of the alternatives; use the functions above.");
  std::string initializer;
  if (model.alternatives[0].has_default()) {
    initializer = "{std::in_place, " + first + "}";
  } else if (!model.has_incomplete()) {
    initializer = " = {}";
  }
  out.Line("drover::Union<", types, "> alternative_", initializer, ";");
}

// The inside of a struct or group.
void WriteMembers(FilePlan& plan, const StructModel& model, CodeWriter& out) {
  for (const auto* members : {&model.fields, &model.alternatives}) {
    for (const StructModel::Member& member : *members) {
      if (member.group == nullptr) continue;
      out.Blank();
      out.Open("struct ", member.group->type_name, " {");
      WriteMembers(plan, *member.group, out);
      out.Close("};");
    }
  }
  out.Blank();
  for (const StructModel::Member& member : model.fields) {
    if (!member.comment.empty()) out.Blank();
    out.Comment(member.comment);
    const std::string initializer = member.incomplete ? "" : " = " + plan.literals.Default(member);
    out.Line(MemberType(plan, member), " ", member.name, initializer, ";");
  }
  if (model.has_union()) WriteUnion(plan, model, out);
  out.Blank();
  out.Line("bool operator==(const ", model.type_name, "&) const = default;");
}

std::set<std::string> NamesInside(const StructModel& model) {
  std::set<std::string> names = {"Which"};
  for (const auto& [name, id] : model.nested) names.insert(name);
  for (const auto* members : {&model.fields, &model.alternatives}) {
    for (const StructModel::Member& member : *members) {
      if (member.group == nullptr) continue;
      names.insert(member.group->type_name);
      names.merge(NamesInside(*member.group));
    }
  }
  return names;
}

}  // namespace

bool IsFunctionConstant(NodeReader constant) {
  const TypeReader type = constant.getConst().getType();
  return !IsScalar(type) && !type.isText();
}

void WriteEnum(FilePlan& plan, uint64_t enum_id, CodeWriter& out) {
  out.Blank();
  out.Comment(plan.index.Comment(enum_id));
  out.Open("enum class ", plan.index.FlatName(enum_id), " : uint16_t {");
  uint32_t number = 0;
  for (auto enumerant : plan.index.Node(enum_id).getEnum().getEnumerants()) {
    out.Comment(plan.index.MemberComment(enum_id, number));
    const auto name = enumerant.getName();
    out.Line(ConstantCase({name.begin(), name.size()}), " = ", std::to_string(number), ",");
    ++number;
  }
  out.Close("};");
}

void WriteStruct(FilePlan& plan, const StructModel& model, CodeWriter& out) {
  out.Blank();
  out.Comment(model.comment);
  out.Open("struct ", model.type_name, " {");
  plan.types.SetHidden(NamesInside(model));
  for (const auto& [name, id] : model.nested) WriteAliases(plan, name, id, out);
  WriteConstants(plan, model.id, out);
  WriteMembers(plan, model, out);
  plan.types.SetHidden({});
  out.Close("};");
}

void WriteInterfaceScope(FilePlan& plan, uint64_t interface_id, CodeWriter& out) {
  const std::string name = plan.index.FlatName(interface_id);
  out.Blank();
  out.Line("// What is declared inside interface ", plan.index.DottedName(interface_id), ".");
  out.Open("struct ", name, " {");
  NameScope names({name});
  for (NodeReader nested : plan.index.Nested(interface_id)) {
    if (nested.isConst() || nested.isAnnotation()) continue;
    WriteAliases(plan, names.Claim(plan.index.LocalName(nested.getId())), nested.getId(), out);
  }
  WriteConstants(plan, interface_id, out);
  out.Close("};");
}

void WriteConstants(FilePlan& plan, uint64_t scope, CodeWriter& out) {
  const bool member = !plan.index.Node(scope).isFile();
  for (NodeReader node : plan.index.Nested(scope)) {
    if (!node.isConst()) continue;
    const TypeReader type = node.getConst().getType();
    const std::string name = ConstantCase(plan.index.LocalName(node.getId()));
    out.Comment(plan.index.Comment(node.getId()));
    if (IsFunctionConstant(node)) {
      out.Line(member ? "static " : "", "const ", plan.types.Value(type), "& ", name, "();");
    } else {
      out.Line(member ? "static" : "inline", " constexpr ",
               type.isText() ? "std::string_view" : plan.types.Value(type), " ", name, " = ",
               plan.literals.Constant(node), ";");
    }
  }
}

void WriteCodecDeclaration(FilePlan& plan, const StructModel& model, CodeWriter& out) {
  const auto size = plan.index.Node(model.id).getStruct();
  const std::string& type = model.qualified_name;
  out.Blank();
  out.Line("template <>");
  out.Open("struct Codec<", type, "> {");
  out.Line("static constexpr object::StructSize kSize = {.data_words = ",
           std::to_string(size.getDataWordCount()),
           ", .pointers = ", std::to_string(size.getPointerCount()), "};");
  out.Line("static void Write(const ", type, "& value, const object::StructBuilder& out);");
  out.Line("static void Read(const object::StructReader& in, ", type, "& value);");
  out.Close("};");
}

}  // namespace drover::codegen
