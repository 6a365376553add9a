#include "interface_model.h"

#include <algorithm>
#include <map>
#include <set>

#include "field_code.h"
#include "names.h"

namespace drover::codegen {

std::string MethodModel::BlockingType() const {
  return returns_value() ? "absl::StatusOr<" + result_type + ">" : "absl::Status";
}

std::string MethodModel::FutureType() const {
  return "drover::Future<" + (returns_value() ? result_type : "void") + ">";
}

std::vector<std::string> MethodModel::ProxyParameters() const {
  std::vector<std::string> out;
  for (const Parameter& p : parameters) out.push_back(p.proxy_type + " " + p.name);
  return out;
}

std::vector<std::string> MethodModel::ServantParameters() const {
  std::vector<std::string> out;
  for (const Parameter& p : parameters) out.push_back(p.servant_type + " " + p.name);
  return out;
}

bool InterfaceModel::HasOneWay() const {
  return std::any_of(methods.begin(), methods.end(),
                     [](const MethodModel& method) { return method.one_way(); }) ||
         std::any_of(inherited.begin(), inherited.end(),
                     [](const Inherited& from) { return from.method.one_way(); });
}

InterfaceModel InterfaceModels::Make(uint64_t interface_id) const {
  InterfaceModel model;
  model.id = interface_id;
  model.name = index_.FlatName(interface_id);
  model.dotted_name = index_.DottedName(interface_id);
  model.comment = index_.Comment(interface_id);
  const std::vector<uint64_t> ancestors = index_.Ancestors(interface_id);
  // Inside its classes the methods hide the types of the same name.
  std::set<std::string> hidden = {"Async", "Dispatch", "Interface", "OneWay"};
  for (const MethodModel& method : Methods(interface_id, types_)) hidden.insert(method.name);
  for (uint64_t ancestor : ancestors) {
    for (const MethodModel& method : Methods(ancestor, types_)) hidden.insert(method.name);
  }
  CppTypes types = types_;
  types.SetHidden(std::move(hidden));
  model.methods = Methods(interface_id, types);
  for (auto super : index_.Node(interface_id).getInterface().getSuperclasses()) {
    model.supers.push_back(super.getId());
  }

  // A name belongs to the interface itself, or else to the one ancestor that has it.
  std::map<std::string, int> owners;
  constexpr int kOwn = 1 << 20;
  for (const MethodModel& method : model.methods) owners[method.name] = kOwn;
  for (uint64_t ancestor : ancestors) {
    for (const MethodModel& method : Methods(ancestor, types)) ++owners[method.name];
  }
  std::set<std::vector<std::string>> signatures;
  for (uint64_t ancestor : ancestors) {
    for (MethodModel& method : Methods(ancestor, types)) {
      std::vector<std::string> signature = {method.name};
      for (const auto& parameter : method.parameters) signature.push_back(parameter.servant_type);
      if (signatures.insert(std::move(signature)).second) {
        model.ancestors_methods.push_back({ancestor, method});
      }
      if (owners[method.name] == 1) {
        model.inherited.push_back({ancestor, std::move(method)});
      } else {
        if (owners[method.name] > kOwn) model.hidden.emplace_back(ancestor, method.name);
        model.ambiguous.push_back(index_.DottedName(ancestor) + "." + method.schema_name);
      }
    }
  }
  return model;
}

std::vector<MethodModel> InterfaceModels::Methods(uint64_t interface_id,
                                                  const CppTypes& types) const {
  const NodeReader node = index_.Node(interface_id);
  const std::string flat = index_.FlatName(interface_id);
  NameScope names({"Async", "Dispatch", "Interface", "OneWay", "With", flat + "Proxy",
                   flat + "Servant", flat + "AsyncServant", flat + "ZeroCopyProxy",
                   flat + "ZeroCopyServant"});
  std::vector<MethodModel> out;
  for (MethodReader reader : node.getInterface().getMethods()) {
    MethodModel method;
    method.ordinal = static_cast<uint16_t>(out.size());
    method.schema_name = {reader.getName().begin(), reader.getName().size()};
    method.name = names.Claim(TitleCase(method.schema_name));
    method.comment = index_.MemberComment(interface_id, method.ordinal);
    method.concurrent = HasAnnotation(node.getAnnotations(), kDroverConcurrent) ||
                        HasAnnotation(reader.getAnnotations(), kDroverConcurrent);
    method.idempotent = HasAnnotation(node.getAnnotations(), kDroverIdempotent) ||
                        HasAnnotation(reader.getAnnotations(), kDroverIdempotent);
    method.params_id = reader.getParamStructType();
    method.results_id = reader.getResultStructType();
    method.streaming = method.results_id == kStreamResult;
    SetParameters(method, types);
    SetResults(method, types);
    out.push_back(std::move(method));
  }
  return out;
}

void InterfaceModels::SetParameters(MethodModel& method, const CppTypes& types) const {
  if (!index_.IsMethodStruct(method.params_id)) {
    NameScope names(FieldCode::LocalNames());
    const std::string type = types.Name(method.params_id);
    std::string name = names.Claim(SnakeCase(index_.LocalName(method.params_id)));
    method.parameters.push_back({std::move(name), "const " + type + "&", type});
    return;
  }
  method.params = structs_.Make(method.params_id, FieldCode::LocalNames());
  for (const StructModel::Member& member : method.params->fields) {
    method.parameters.push_back(
        {member.name, types.Parameter(member.type()), types.Value(member.type())});
  }
}

void InterfaceModels::SetResults(MethodModel& method, const CppTypes& types) const {
  if (method.streaming) return;
  if (!index_.IsMethodStruct(method.results_id)) {
    method.results_kind = MethodModel::Results::kStruct;
    method.result_type = types.Name(method.results_id);
    return;
  }
  method.results = structs_.Make(method.results_id);
  const auto& fields = method.results->fields;
  if (fields.size() == 1) {
    method.results_kind = MethodModel::Results::kOne;
    const TypeReader type = fields[0].type();
    method.result_type = types.Value(type);
    if (type.isInterface() || type.isStruct()) {
      method.result_slot = static_cast<int>(fields[0].field.getSlot().getOffset());
    }
  } else if (fields.size() > 1) {
    method.results_kind = MethodModel::Results::kStruct;
    method.result_type = types.Name(method.results_id);
  }
}

}  // namespace drover::codegen
