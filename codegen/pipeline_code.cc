#include "pipeline_code.h"

#include <set>
#include <string>
#include <vector>

namespace drover::codegen {
namespace {

bool InUnion(FieldReader field) {
  return field.getDiscriminantValue() != capnp::schema::Field::NO_DISCRIMINANT;
}

bool LeadsToProxy(const SchemaIndex& index, const StructModel::Member& member) {
  if (member.group != nullptr) return HasPipeline(index, member.group->id);
  if (member.type().isInterface()) return true;
  return member.type().isStruct() && HasPipeline(index, member.type().getStruct().getTypeId());
}

std::string Slot(const StructModel::Member& member) {
  return std::to_string(member.field.getSlot().getOffset());
}

// The names of the classes inside a pipeline class, which hide those of the namespace.
void AddGroupNames(const SchemaIndex& index, const StructModel& model,
                   std::set<std::string>& names) {
  for (const StructModel::Member& member : model.fields) {
    if (member.group == nullptr || !LeadsToProxy(index, member)) continue;
    names.insert(member.group->type_name);
    AddGroupNames(index, *member.group, names);
  }
}

CppTypes TypesInside(const FilePlan& plan, const StructModel& model) {
  CppTypes types = plan.types;
  std::set<std::string> names;
  AddGroupNames(plan.index, model, names);
  types.SetHidden(std::move(names));
  return types;
}

std::string AccessorType(const CppTypes& types, const StructModel::Member& member) {
  if (member.group != nullptr) return member.group->type_name;
  if (member.type().isInterface()) {
    return types.Name(member.type().getInterface().getTypeId(), "Proxy") + "::Async";
  }
  return types.Name(member.type().getStruct().getTypeId(), "Pipeline");
}

void WriteClass(const SchemaIndex& index, const CppTypes& types, const StructModel& model,
                const std::string& name, CodeWriter& out) {
  out.Open("class ", name, " {");
  out.Label("public:");
  for (const StructModel::Member& member : model.fields) {
    if (member.group == nullptr || !LeadsToProxy(index, member)) continue;
    WriteClass(index, types, *member.group, member.group->type_name, out);
    out.Blank();
  }
  const std::string head = "explicit " + name + "(drover::object::PipelinePlace place)";
  const std::string tail = ": place_(std::move(place)) {}";
  if (4 + head.size() + 1 + tail.size() <= CodeWriter::kColumns) {
    out.Line(head, " ", tail);
  } else {
    out.Line(head, "\n    ", tail);
  }
  out.Blank();
  for (const StructModel::Member& member : model.fields) {
    if (!LeadsToProxy(index, member)) continue;
    out.Comment(member.comment);
    if (member.group != nullptr) {
      const std::string& group = member.group->type_name;
      out.OneLiner(group + " " + member.name + "() const", "return " + group + "(place_);");
    } else {
      out.Line(AccessorType(types, member), " ", member.name, "() const;");
    }
  }
  out.Label("private:");
  out.Line("drover::object::PipelinePlace place_;");
  out.Close("};");
}

void WriteMembers(const SchemaIndex& index, const CppTypes& types, const StructModel& model,
                  const std::string& scope, CodeWriter& out) {
  for (const StructModel::Member& member : model.fields) {
    if (!LeadsToProxy(index, member)) continue;
    if (member.group != nullptr) {
      WriteMembers(index, types, *member.group, scope + "::" + member.group->type_name, out);
      continue;
    }
    const std::string type = AccessorType(types, member);
    const std::string field = "place_.Field(" + Slot(member) + ")";
    out.Blank();
    out.Open(type, " ", scope, "::", member.name, "() const {");
    out.Line("return ", type, "(", field, member.type().isInterface() ? ".Capability()" : "", ");");
    out.Close();
  }
}

void WriteCollecting(const SchemaIndex& index, const StructModel& model, const std::string& value,
                     CodeWriter& out) {
  for (const StructModel::Member& member : model.fields) {
    if (!LeadsToProxy(index, member)) continue;
    const std::string field = value + "." + member.name;
    if (member.group != nullptr) {
      WriteCollecting(index, *member.group, field, out);
    } else if (member.boxed) {
      out.If(field + ".has_value()", "out.Enter(" + Slot(member) + ", *" + field + ");");
    } else {
      out.Line("out.Enter(", Slot(member), ", ", field, ");");
    }
  }
}

}  // namespace

bool HasPipeline(const SchemaIndex& index, uint64_t struct_id) {
  std::set<uint64_t> seen;
  std::vector<uint64_t> open = {struct_id};
  while (!open.empty()) {
    const uint64_t at = open.back();
    open.pop_back();
    if (!seen.insert(at).second) continue;
    for (FieldReader field : index.Node(at).getStruct().getFields()) {
      if (InUnion(field)) continue;
      if (field.isGroup()) {
        open.push_back(field.getGroup().getTypeId());
        continue;
      }
      const TypeReader type = field.getSlot().getType();
      if (type.isInterface()) return true;
      if (type.isStruct()) open.push_back(type.getStruct().getTypeId());
    }
  }
  return false;
}

void WritePipelineClass(FilePlan& plan, const StructModel& model, CodeWriter& out) {
  if (!HasPipeline(plan.index, model.id)) return;
  out.Blank();
  out.Line("// What Pipeline() of a future of ", model.type_name, " gives.");
  WriteClass(plan.index, TypesInside(plan, model), model, model.type_name + "Pipeline", out);
}

void WritePipelineTraits(const FilePlan& plan, const StructModel& model, CodeWriter& out) {
  if (!HasPipeline(plan.index, model.id)) return;
  const std::string& type = model.qualified_name;
  out.Blank();
  out.Line("template <>");
  out.Line("struct PipelineTraits<", type, ">");
  out.Indent();
  out.Line("  : object::PipelineTraitsBase<", type, ", ", type, "Pipeline> {");
  out.Line("static void Collect(const ", type, "& value, object::FoundCapabilities& out);");
  out.Close("};");
}

void WritePipelineMembers(const FilePlan& plan, const StructModel& model, CodeWriter& out) {
  if (!HasPipeline(plan.index, model.id)) return;
  WriteMembers(plan.index, TypesInside(plan, model), model, model.type_name + "Pipeline", out);
}

void WritePipelineCollect(const FilePlan& plan, const StructModel& model, CodeWriter& out) {
  if (!HasPipeline(plan.index, model.id)) return;
  out.Blank();
  out.Call("void PipelineTraits<" + model.qualified_name + ">::Collect",
           {"const " + model.qualified_name + "& value", "object::FoundCapabilities& out"}, " {");
  out.Indent();
  WriteCollecting(plan.index, model, "value", out);
  out.Close();
}

}  // namespace drover::codegen
