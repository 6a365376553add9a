#include "header_file.h"

#include <set>

#include "code_writer.h"
#include "interface_header.h"
#include "names.h"
#include "pipeline_code.h"
#include "value_header.h"

namespace drover::codegen {
namespace {

// The headers a text needs, by what it says.
void WriteIncludes(const FilePlan& plan, const std::string& body, CodeWriter& out) {
  struct Needed {
    const char* when;
    const char* header;
  };
  static constexpr Needed kStandard[] = {
      {"uint16_t", "<cstdint>"},
      {"int8_t", "<cstdint>"},
      {"int32_t", "<cstdint>"},
      {"int64_t", "<cstdint>"},
      {"std::numeric_limits", "<limits>"},
      {"std::shared_ptr", "<memory>"},
      {"std::span<", "<span>"},
      {"std::string", "<string>"},
      {"std::string_view", "<string_view>"},
      {"std::is_base_of_v", "<type_traits>"},
      {"std::move", "<utility>"},
      {"std::in_place", "<utility>"},
      {"std::monostate", "<variant>"},
      {"std::vector<", "<vector>"},
  };
  static constexpr Needed kOurs[] = {
      {"absl::Status ", "\"absl/status/status.h\""},
      {"absl::StatusOr<", "\"absl/status/statusor.h\""},
      {"drover::Future<", "\"drover/async/future.h\""},
      {"drover::Box<", "\"drover/object/box.h\""},
      {"struct Codec<", "\"drover/object/codec.h\""},
      {"object::InterfaceInfo", "\"drover/object/interface_info.h\""},
      {"Proxy::Async", "\"drover/object/pipeline.h\""},
      {"drover::Proxy", "\"drover/object/proxy.h\""},
      {"drover::Servant", "\"drover/object/servant.h\""},
      {"drover::Union<", "\"drover/object/union.h\""},
  };
  std::set<std::string> standard;
  std::set<std::string> ours;
  for (const Needed& n : kStandard) {
    if (body.find(n.when) != std::string::npos) standard.insert(n.header);
  }
  for (const Needed& n : kOurs) {
    if (body.find(n.when) != std::string::npos) ours.insert(n.header);
  }
  for (const std::string& import : plan.imports) ours.insert('"' + import + '"');
  for (const std::string& header : standard) out.Line("#include ", header);
  if (!standard.empty() && !ours.empty()) out.Blank();
  for (const std::string& header : ours) out.Line("#include ", header);
}

// The structs that a header mentions before it defines them.
std::set<std::string> StructsMentionedEarly(const FilePlan& plan) {
  std::set<std::string> out;
  std::set<uint64_t> missing;
  for (const StructModel& model : plan.structs) missing.insert(model.id);
  for (const StructModel& model : plan.structs) {
    missing.erase(model.id);
    ForEachSlot(plan.index, model.id, [&](FieldReader field) {
      const TypeReader type = ElementOfLists(field.getSlot().getType());
      if (type.isStruct() && missing.contains(type.getStruct().getTypeId())) {
        out.insert(plan.index.FlatName(type.getStruct().getTypeId()));
      }
    });
    for (const auto& [name, id] : model.nested) {
      if (missing.contains(id)) out.insert(plan.index.FlatName(id));
    }
  }
  if (!plan.interfaces.empty()) {
    for (const StructModel& model : plan.structs) out.insert(model.type_name);
  }
  for (uint64_t scope : plan.scopes) out.insert(plan.index.FlatName(scope));
  return out;
}

void WriteForwardDeclarations(const FilePlan& plan, CodeWriter& out) {
  const std::set<std::string> structs = StructsMentionedEarly(plan);
  std::set<std::string> classes;
  for (const InterfaceModel& model : plan.interface_models) {
    for (const char* kind : {"Proxy", "Servant", "AsyncServant"}) {
      classes.insert(model.name + kind);
    }
  }
  for (const StructModel& model : plan.structs) {
    if (HasPipeline(plan.index, model.id)) classes.insert(model.type_name + "Pipeline");
  }
  out.Blank();
  for (const std::string& name : classes) out.Line("class ", name, ";");
  for (const std::string& name : structs) out.Line("struct ", name, ";");
}

std::string Body(FilePlan& plan) {
  CodeWriter out;
  out.Line("namespace ", plan.cpp_namespace, " {");
  for (uint64_t id : plan.enums) WriteEnum(plan, id, out);
  WriteForwardDeclarations(plan, out);
  for (const InterfaceModel& model : plan.interface_models) WriteProxies(plan, model, out);
  for (const StructModel& model : plan.structs) WriteStruct(plan, model, out);
  for (const StructModel& model : plan.structs) WritePipelineClass(plan, model, out);
  for (uint64_t scope : plan.scopes) WriteInterfaceScope(plan, scope, out);
  for (const InterfaceModel& model : plan.interface_models) WriteServants(plan, model, out);
  out.Blank();
  WriteConstants(plan, plan.id, out);
  out.Blank();
  out.Line("}  // namespace ", plan.cpp_namespace);
  if (!plan.structs.empty()) {
    out.Blank();
    out.Line("namespace drover {");
    for (const StructModel& model : plan.structs) WriteCodecDeclaration(plan, model, out);
    for (const StructModel& model : plan.structs) WritePipelineTraits(plan, model, out);
    out.Blank();
    out.Line("}  // namespace drover");
  }
  return out.Take();
}

}  // namespace

std::string IncludeGuard(const FilePlan& plan, std::string_view suffix) {
  std::string guard;
  for (char c : plan.OutputPath(suffix)) {
    const bool keep = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9');
    guard += keep ? TitleCase(std::string(1, c)) : "_";
  }
  return "DROVER_GENERATED_" + guard + "_";
}

std::string HeaderFile(FilePlan& plan) {
  const std::string guard = IncludeGuard(plan, ".drover.h");
  const std::string body = Body(plan);
  CodeWriter out;
  out.Line("// Generated by capnpc-drover from ", plan.path, "; do not edit.");
  if (const auto comment = plan.index.Comment(plan.id); !comment.empty()) {
    out.Line("//");
    out.Comment(comment);
  }
  out.Line("#ifndef ", guard);
  out.Line("#define ", guard);
  out.Blank();
  WriteIncludes(plan, body, out);
  out.Blank();
  return out.Take() + body + "\n#endif  // " + guard + "\n";
}

}  // namespace drover::codegen
