#include "zero_copy_file.h"

#include <map>
#include <set>

#include "code_writer.h"
#include "header_file.h"
#include "names.h"

namespace drover::codegen {
namespace {

constexpr const char* kSuffix = ".drover_zero_copy.h";

// drover::ZeroCopyCall<params, results>, or of a streaming method
// drover::ZeroCopyStreamCall<params>.
std::string TypeOf(const FilePlan& plan, const MethodModel& method, const std::string& what) {
  const std::string params = plan.index.CapnpName(method.params_id);
  if (method.streaming) return "drover::ZeroCopyStream" + what + "<" + params + ">";
  return "drover::ZeroCopy" + what + "<" + params + ", " + plan.index.CapnpName(method.results_id) +
         ">";
}

// What a servant has of a method, by that one's name: EchoZeroCopy, and what it takes, EchoContext.
// Names of their own, not overloads, of which a servant that overrides one would hide the other.
struct ServantNames {
  std::string method;
  std::string context;
};
std::map<std::string, ServantNames> NamesOf(const InterfaceModel& model) {
  std::set<std::string> taken = {"Dispatch", "Interface", model.name + "ZeroCopyServant"};
  for (const MethodModel& method : model.methods) taken.insert(method.name);
  for (const auto& [from, method] : model.ancestors_methods) taken.insert(method.name);
  NameScope names(std::move(taken));
  std::map<std::string, ServantNames> out;
  for (const MethodModel& method : model.methods) {
    out[method.name].method = names.Claim(method.name + "ZeroCopy");
    out[method.name].context = names.Claim(method.name + "Context");
  }
  return out;
}

// `owner`: the interface that declares the method.
void WriteProxyMethod(const FilePlan& plan, uint64_t owner, const MethodModel& method,
                      CodeWriter& out) {
  const std::string info = plan.types.Name(owner, "Proxy") + "::Interface().methods[" +
                           std::to_string(method.ordinal) + "]";
  out.Line(TypeOf(plan, method, "Call"));
  out.Open(method.name, "(size_t size_hint_bytes = 0) const {");
  out.Line("return {*this, ", info, ", size_hint_bytes};");
  out.Close();
}

void WriteProxy(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  const std::string name = model.name + "ZeroCopyProxy";
  out.Blank();
  out.Line("// Calls ", model.dotted_name, "'s methods. Sizes are hints, 0 for a small message.");
  out.Open("class ", name, " : public drover::Proxy {");
  out.Label("public:");
  out.Line(name, "() = default;");
  out.Line(name, "(const ", model.name, "Proxy& proxy)  // NOLINT: implicit");
  out.Line("    : drover::Proxy(proxy) {}");
  for (const MethodModel& method : model.methods) {
    out.Blank();
    out.Comment(method.comment);
    WriteProxyMethod(plan, model.id, method, out);
  }
  for (const InterfaceModel::Inherited& inherited : model.inherited) {
    out.Blank();
    out.Line("// From ", plan.index.DottedName(inherited.from), ":");
    WriteProxyMethod(plan, inherited.from, inherited.method, out);
  }
  out.Close("};");
}

void WriteServant(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  const std::string name = model.name + "ZeroCopyServant";
  const std::map<std::string, ServantNames> names = NamesOf(model);
  const std::string head = "class " + name + " : ";
  const std::string between = ",\n" + std::string(head.size(), ' ');
  std::string bases = "public virtual " + model.name + "Servant";
  for (uint64_t super : model.supers) {
    bases += between + "public virtual " + plan.types.Name(super, "ZeroCopyServant");
  }
  out.Blank();
  out.Line("// Derive from it to serve ", model.dotted_name,
           ": override either form of each method.");
  out.Open(head, bases, " {");
  out.Label("public:");
  for (const MethodModel& method : model.methods) {
    out.Line("using ", names.at(method.name).context, " = ", TypeOf(plan, method, "Context"), ";");
  }
  out.Blank();
  for (const MethodModel& method : model.methods) {
    const ServantNames& own = names.at(method.name);
    if (!method.comment.empty()) out.Blank();
    out.Comment(method.comment);
    out.OneLiner("virtual absl::Status " + own.method + "(" + own.context + "& call)",
                 "return call.UseValueForm();");
  }
  const InterfaceModels models(plan.index, plan.types, plan.struct_models);
  if (!model.hidden.empty()) out.Blank();
  for (const auto& [ancestor, method] : model.hidden) {
    out.Line("using ", plan.types.Name(ancestor, "ZeroCopyServant"),
             "::", NamesOf(models.Make(ancestor)).at(method).method, ";");
  }
  out.Blank();
  out.Line("void Dispatch(drover::object::ServerCall& call) override;");
  out.Close("};");
}

void WriteDispatch(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  const std::string name = model.name + "ZeroCopyServant";
  const std::map<std::string, ServantNames> names = NamesOf(model);
  out.Blank();
  out.Open("inline void ", name, "::Dispatch(drover::object::ServerCall& call) {");
  for (uint64_t ancestor : plan.index.Ancestors(model.id)) {
    out.Open("if (call.interface_id() == ", HexId(ancestor), ") {");
    out.Line("return ", plan.types.Name(ancestor, "ZeroCopyServant"), "::Dispatch(call);");
    out.Close();
  }
  if (!model.methods.empty()) {
    out.Line("bool served = false;");
    out.Open("if (call.interface_id() == ", HexId(model.id), ") {");
    out.Open("switch (call.method_id()) {");
    for (const MethodModel& method : model.methods) {
      const ServantNames& own = names.at(method.name);
      out.Open("case ", std::to_string(method.ordinal), ":");
      out.Line("served = drover::object::ServeZeroCopy<", own.context, ">(");
      out.Line("    call, [this](", own.context, "& context) { return ", own.method,
               "(context); });");
      out.Line("break;");
      out.Outdent();
    }
    out.Open("default:");
    out.Line("break;");
    out.Outdent();
    out.Close();
    out.Close();
  }
  out.Line(model.methods.empty() ? "" : "if (!served) ", model.name, "Servant::Dispatch(call);");
  out.Close();
}

void WriteTraits(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  const std::string proxy = plan.index.QualifiedName(model.id, "Proxy");
  const std::string interface = plan.index.CapnpName(model.id);
  out.Line("template <>");
  out.Open("struct ProxyOfInterface<", interface, "> {");
  out.Line("using Proxy = ", proxy, ";");
  out.Close("};");
  out.Line("template <>");
  out.Open("struct InterfaceOfProxy<", proxy, "> {");
  out.Line("using Interface = ", interface, ";");
  out.Close("};");
}

}  // namespace

std::string ZeroCopyFile(const FilePlan& plan) {
  const std::string guard = IncludeGuard(plan, kSuffix);
  CodeWriter out;
  out.Line("// Generated by capnpc-drover from ", plan.path, "; do not edit.");
  out.Line("//");
  out.Line("// The zero-copy forms of its methods, over Cap'n Proto's builders and readers, as");
  out.Line("// drover/object/zero_copy.h says.");
  out.Line("#ifndef ", guard);
  out.Line("#define ", guard);
  out.Blank();
  std::set<std::string> headers = {plan.OutputPath(".capnp.h"), plan.OutputPath(".drover.h")};
  for (std::string import : plan.imports) {
    import.resize(import.size() - std::string(".drover.h").size());
    headers.insert(import + kSuffix);
  }
  if (!plan.interface_models.empty()) {
    out.Line("#include <cstddef>");
    out.Blank();
    headers.insert("drover/object/zero_copy.h");
  }
  for (const std::string& header : headers) out.Line("#include \"", header, "\"");
  if (!plan.interface_models.empty()) {
    out.Blank();
    out.Line("namespace drover::object {");
    out.Blank();
    for (const InterfaceModel& model : plan.interface_models) WriteTraits(plan, model, out);
    out.Blank();
    out.Line("}  // namespace drover::object");
    out.Blank();
    out.Line("namespace ", plan.cpp_namespace, " {");
    for (const InterfaceModel& model : plan.interface_models) {
      WriteProxy(plan, model, out);
      WriteServant(plan, model, out);
      WriteDispatch(plan, model, out);
    }
    out.Blank();
    out.Line("}  // namespace ", plan.cpp_namespace);
  }
  out.Blank();
  out.Line("#endif  // ", guard);
  return out.Take();
}

}  // namespace drover::codegen
