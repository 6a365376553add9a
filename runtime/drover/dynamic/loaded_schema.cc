#include "drover/dynamic/loaded_schema.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "drover/base/status_macros.h"
#include "drover/dynamic/schema_check.h"
#include "drover/dynamic/schema_text.h"
#include "drover/object/fields_internal.h"

namespace drover::dynamic {
namespace {

constexpr uint64_t kIdempotent = 0xe5560dca85a4ebef;  // $Drover.idempotent

bool IsIdempotent(capnp::List<capnp::schema::Annotation>::Reader annotations) {
  for (const auto annotation : annotations) {
    if (annotation.getId() == kIdempotent) return true;
  }
  return false;
}

// Looks at all that is read of a struct's schema later. What the loader puts off till then, and may
// find wrong, is done now.
void Settle(capnp::StructSchema schema) {
  for (const auto field : schema.getFields()) TypeName(field.getType());
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LoadedSchema>> LoadedSchema::Load(
    uint64_t interface_id, const std::vector<std::string>& nodes) {
  SchemaCheck check;
  for (const std::string& node : nodes) DROVER_RETURN_IF_ERROR(check.Add(node));
  DROVER_RETURN_IF_ERROR(check.Run(interface_id));
  std::shared_ptr<LoadedSchema> loaded(new LoadedSchema);
  const absl::Status status = object::CatchCodecErrors([&] {
    for (const NodeReader node : check.nodes()) loaded->loader_.load(node);
    for (const NodeReader node : check.nodes()) {
      const capnp::Schema schema = loaded->loader_.get(node.getId());
      if (node.isStruct()) Settle(schema.asStruct());
      if (node.isInterface()) loaded->AddInterface(schema.asInterface());
    }
  });
  if (!status.ok()) return absl::DataLossError(absl::StrCat("a schema node: ", status.message()));
  return loaded;
}

void LoadedSchema::AddInterface(capnp::InterfaceSchema schema) {
  const auto proto = schema.getProto();
  LoadedInterface& interface = interfaces_[proto.getId()];
  interface.id = proto.getId();
  interface.name = DottedName(proto);
  interface.full_name = object::ToString(proto.getDisplayName());
  interface.schema = schema;
  const bool all_idempotent = IsIdempotent(proto.getAnnotations());
  for (const auto method : schema.getMethods()) {
    auto loaded = std::make_unique<LoadedMethod>();
    loaded->interface_name = interface.name;
    loaded->name = object::ToString(method.getProto().getName());
    loaded->params = method.getParamType();
    loaded->results = method.getResultType();
    loaded->params_text = MethodSideText(loaded->params);
    loaded->results_text = MethodSideText(loaded->results);
    loaded->info = {
        .interface_id = interface.id,
        .ordinal = method.getOrdinal(),
        .interface_name = loaded->interface_name.c_str(),
        .name = loaded->name.c_str(),
        .idempotent = all_idempotent || IsIdempotent(method.getProto().getAnnotations()),
        .streaming = method.isStreaming()};
    interface.methods.push_back(std::move(loaded));
  }
}

std::vector<const LoadedInterface*> LoadedSchema::Lineage(uint64_t id) const {
  std::vector<const LoadedInterface*> lineage = {&Interface(id)};
  std::set<uint64_t> seen = {id};
  for (size_t i = 0; i < lineage.size(); ++i) {
    for (const auto super : lineage[i]->schema.getProto().getInterface().getSuperclasses()) {
      if (seen.insert(super.getId()).second) lineage.push_back(&Interface(super.getId()));
    }
  }
  return lineage;
}

std::vector<const LoadedMethod*> LoadedSchema::Matches(uint64_t interface_id,
                                                       std::string_view name) const {
  const size_t dot = name.rfind('.');
  const bool qualified = dot != std::string_view::npos;
  const std::string_view of = qualified ? name.substr(0, dot) : "";
  const std::string_view plain = qualified ? name.substr(dot + 1) : name;
  std::vector<const LoadedMethod*> matches;
  for (const LoadedInterface* interface : Lineage(interface_id)) {
    if (qualified && interface->name != of && interface->full_name != of) continue;
    for (const auto& method : interface->methods) {
      if (method->name == plain) matches.push_back(method.get());
    }
    // An interface's own method hides those it inherits.
    if (!qualified && interface->id == interface_id && !matches.empty()) break;
  }
  return matches;
}

absl::StatusOr<const LoadedMethod*> LoadedSchema::FindMethod(uint64_t interface_id,
                                                             std::string_view name) const {
  const std::vector<const LoadedMethod*> matches = Matches(interface_id, name);
  if (matches.size() == 1) return matches[0];
  std::vector<std::string> names;
  if (!matches.empty()) {
    for (const LoadedMethod* method : matches) names.push_back(CallName(interface_id, *method));
    return absl::InvalidArgumentError(
        absl::StrCat(Interface(interface_id).name, " has more than one method \"",
                     std::string(name), "\": say ", absl::StrJoin(names, " or ")));
  }
  for (const LoadedInterface* interface : Lineage(interface_id)) {
    for (const auto& method : interface->methods) names.push_back(CallName(interface_id, *method));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Interface(interface_id).name, " has no method \"", std::string(name),
                   "\"; it has ", names.empty() ? "none" : absl::StrJoin(names, ", ")));
}

std::string LoadedSchema::CallName(uint64_t interface_id, const LoadedMethod& method) const {
  for (const std::string& name : {method.name, method.qualified_name()}) {
    const std::vector<const LoadedMethod*> matches = Matches(interface_id, name);
    if (matches.size() == 1 && matches[0] == &method) return name;
  }
  return absl::StrCat(Interface(method.info.interface_id).full_name, ".", method.name);
}

}  // namespace drover::dynamic
