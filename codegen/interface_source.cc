#include "interface_source.h"

#include <algorithm>

#include "field_code.h"

namespace drover::codegen {
namespace {

const char* Bool(bool value) { return value ? "true" : "false"; }

std::string MethodTable(const InterfaceModel& model) { return "k" + model.name + "Methods"; }

std::string FunctionFor(const char* verb, const InterfaceModel& model, const MethodModel& method,
                        const char* what) {
  return verb + model.name + method.name + what;
}

// A struct's Reader or Builder, marked where nothing in it is moved.
void DeclareFields(const StructModel& model, const std::string& name, const std::string& from,
                   CodeWriter& out) {
  out.Line(model.is_void() ? "[[maybe_unused]] " : "", "auto ", name, " = ", from, ";");
}

// Whether a list of params or results is encoded as a drover::object::PlainStruct: few scalars,
// none with a default value.
bool IsPlain(const FilePlan& plan, const StructModel& model) {
  constexpr int kMostWords = 8;  // PlainStruct::kMostWords, which the generated code is checked by
  const auto size = plan.index.Node(model.id).getStruct();
  if (size.getPointerCount() > 0 || size.getDataWordCount() > kMostWords) return false;
  return !model.has_union() && std::all_of(model.fields.begin(), model.fields.end(),
                                           [](const StructModel::Member& member) {
                                             return member.group == nullptr &&
                                                    !member.has_default();
                                           });
}
bool TakesPlain(const FilePlan& plan, const MethodModel& method) {
  return method.params.has_value() && IsPlain(plan, *method.params);
}
bool GivesPlain(const FilePlan& plan, const MethodModel& method) {
  return method.results_kind == MethodModel::Results::kOne && IsPlain(plan, *method.results);
}

std::string DataWords(const FilePlan& plan, uint64_t struct_id) {
  return std::to_string(plan.index.Node(struct_id).getStruct().getDataWordCount());
}

void WriteParams(const FilePlan& plan, const InterfaceModel& model, const MethodModel& method,
                 CodeWriter& out) {
  if (!method.params.has_value() || method.parameters.empty()) return;
  const std::string capnp = plan.index.CapnpName(method.params_id);
  FieldCode code(plan.index, plan.types, "drover::", out);

  out.Blank();
  std::vector<std::string> parameters = method.ProxyParameters();
  const bool plain = TakesPlain(plan, method);
  parameters.push_back((method.params->is_void() ? "[[maybe_unused]] " : "") +
                       (plain ? "drover::object::PlainStruct&" : capnp + "::Builder") + " out");
  for (size_t i = 0; i < method.parameters.size(); ++i) {
    if (method.params->fields[i].type().isVoid()) {
      parameters[i] = "[[maybe_unused]] " + parameters[i];
    }
  }
  out.Call("void " + FunctionFor("Encode", model, method, "Params"), parameters, " {");
  out.Indent();
  for (const StructModel::Member& member : method.params->fields) {
    plain ? code.WritePlain(member, member.name, "out")
          : code.WriteField(member, member.name, "out");
  }
  out.Close();

  const std::string type = model.name + method.name + "Params";
  out.Blank();
  out.Open("struct ", type, " {");
  for (size_t i = 0; i < method.parameters.size(); ++i) {
    out.Line(method.parameters[i].servant_type, " ", method.parameters[i].name, " = {};");
  }
  out.Close("};");
  out.Blank();
  out.Open(type, " ", FunctionFor("Decode", model, method, "Params"),
           "(capnp::AnyPointer::Reader params) {");
  DeclareFields(*method.params, "in", "params.getAs<" + capnp + ">()", out);
  out.Line(type, " value;");
  for (const StructModel::Member& member : method.params->fields) {
    code.ReadField(member, "value." + member.name, "in");
  }
  out.Line("return value;");
  out.Close();
}

void WriteStructMessage(const std::string& type, const std::string& capnp, const std::string& name,
                        CodeWriter& out) {
  out.Blank();
  out.Open("void Encode", name, "(const ", type, "& value, capnp::AnyPointer::Builder out) {");
  out.Line("drover::Codec<", type, ">::Write(value, drover::object::StructBuilder(out.initAs<",
           capnp, ">()));");
  out.Close();
  out.Blank();
  out.Open(type, " Decode", name, "(capnp::AnyPointer::Reader in) {");
  out.Line(type, " value;");
  out.Line("drover::Codec<", type, ">::Read(drover::object::StructReader(in.getAs<", capnp,
           ">()), value);");
  out.Line("return value;");
  out.Close();
}

void WriteResults(const FilePlan& plan, const InterfaceModel& model, const MethodModel& method,
                  CodeWriter& out) {
  const std::string name = model.name + method.name + "Results";
  const std::string capnp = plan.index.CapnpName(method.results_id);
  if (method.results_kind == MethodModel::Results::kNone) return;
  if (method.results_kind == MethodModel::Results::kStruct) {
    WriteStructMessage(method.result_type, capnp, name, out);
    return;
  }
  const StructModel::Member& member = method.results->fields[0];
  FieldCode code(plan.index, plan.types, "drover::", out);
  const std::string& type = method.result_type;
  const std::string value_parameter =
      std::string(member.type().isVoid() ? "[[maybe_unused]] " : "") + "const " + type + "& value";
  out.Blank();
  if (GivesPlain(plan, method)) {
    out.Call("drover::object::PlainStruct Encode" + name, {value_parameter}, " {");
    out.Indent();
    out.Line("auto out = drover::object::PlainStruct::OfWords<", DataWords(plan, method.results_id),
             ">();");
    code.WritePlain(member, "value", "out");
    out.Line("return out;");
  } else {
    out.Call("void Encode" + name, {value_parameter, "capnp::AnyPointer::Builder results"}, " {");
    out.Indent();
    DeclareFields(*method.results, "out", "results.initAs<" + capnp + ">()", out);
    code.WriteField(member, "value", "out");
  }
  out.Close();
  out.Blank();
  out.Open(type, " Decode", name, "(capnp::AnyPointer::Reader results) {");
  DeclareFields(*method.results, "in", "results.getAs<" + capnp + ">()", out);
  if (const std::string value = code.ReadExpression(member, "in"); !value.empty()) {
    out.Line("return ", value, ";");
  } else {
    out.Line(type, " value{};");
    code.ReadField(member, "value", "in");
    out.Line("return value;");
  }
  out.Close();
}

// How many words the parameters that can be large add to the message.
std::string SizeHint(const FilePlan& plan, const MethodModel& method) {
  if (!method.params.has_value()) return "";
  std::string sum;
  for (const StructModel::Member& member : method.params->fields) {
    const TypeReader type = member.type();
    const bool flat =
        type.isText() || type.isData() ||
        (type.isList() && IsScalar(type.getList().getElementType()) &&
         !type.getList().getElementType().isVoid() && !type.getList().getElementType().isBool());
    if (flat) {
      sum += type.isText() || type.isData() ? " + drover::object::WordsOfBlob("
                                            : " + drover::object::WordsOf(";
      sum += member.name + ")";
    }
  }
  if (sum.empty()) return "";
  const auto size = plan.index.Node(method.params_id).getStruct();
  return ", " + std::to_string(size.getDataWordCount() + size.getPointerCount()) + sum;
}

// The classes that have the methods of an interface.
enum class View { kBlocking, kAsync, kOneWay };

std::string ScopeIn(const std::string& proxy, View view) {
  if (view == View::kBlocking) return proxy;
  return proxy + (view == View::kAsync ? "::Async" : "::OneWay");
}

std::string ReturnType(const MethodModel& method, View view) {
  return view == View::kAsync ? method.FutureType() : method.BlockingType();
}

// How the call is made, once its params are there.
std::string MakingOf(const InterfaceModel& model, const MethodModel& method, View view) {
  if (view == View::kOneWay) return "SendOneWay()";
  const bool async = view == View::kAsync;
  if (method.streaming) return async ? "StartStream()" : "Stream()";
  if (!method.returns_value()) return async ? "StartVoid()" : "GetVoid()";
  return std::string(async ? "Start" : "Get") + "(&" +
         FunctionFor("Decode", model, method, "Results") + ")";
}

void WriteProxyMethod(const FilePlan& plan, const InterfaceModel& model, const MethodModel& method,
                      View view, CodeWriter& out) {
  out.Blank();
  out.Call(
      ReturnType(method, view) + " " + ScopeIn(model.name + "Proxy", view) + "::" + method.name,
      method.ProxyParameters(), " const {");
  out.Indent();
  out.Line("drover::object::ClientCall call(*this, ", MethodTable(model), "[",
           std::to_string(method.ordinal), "]", SizeHint(plan, method), ");");
  const std::string fill =
      TakesPlain(plan, method)
          ? "call.FillPlain<" + DataWords(plan, method.params_id) + ">([&](auto& out) { "
          : "call.Fill<" + plan.index.CapnpName(method.params_id) + ">([&](auto out) { ";
  if (!method.params.has_value()) {
    const MethodModel::Parameter& only = method.parameters[0];
    out.Line(fill, "drover::Codec<", only.servant_type, ">::Write(", only.name,
             ", drover::object::StructBuilder(out)); });");
  } else if (!method.parameters.empty()) {
    std::vector<std::string> names;
    for (const MethodModel::Parameter& p : method.parameters) names.push_back(p.name);
    names.push_back("out");
    out.Call(fill + FunctionFor("Encode", model, method, "Params"), names, "; });");
  }
  out.Line("return std::move(call).", MakingOf(model, method, view), ";");
  out.Close();
}

void WriteInheritedMethod(const FilePlan& plan, const InterfaceModel& model,
                          const InterfaceModel::Inherited& inherited, View view, CodeWriter& out) {
  const MethodModel& method = inherited.method;
  std::vector<std::string> names;
  for (const MethodModel::Parameter& p : method.parameters) names.push_back(p.name);
  out.Blank();
  out.Call(
      ReturnType(method, view) + " " + ScopeIn(model.name + "Proxy", view) + "::" + method.name,
      method.ProxyParameters(), " const {");
  out.Indent();
  out.Call("return " + ScopeIn(plan.types.Name(inherited.from, "Proxy"), view) + "(*this)." +
               method.name,
           names, ";");
  out.Close();
}

void WriteDispatchCase(const InterfaceModel& model, const MethodModel& method, bool async,
                       CodeWriter& out) {
  std::vector<std::string> arguments;
  out.Open("case ", std::to_string(method.ordinal), ": {");
  if (!method.params.has_value()) {
    const std::string& type = method.parameters[0].servant_type;
    out.Line(type, " params;");
    out.Line(
        "drover::Codec<", type,
        ">::Read(drover::object::StructReader(call.params().getAs<capnp::AnyStruct>()), params);");
    arguments.push_back("std::move(params)");
  } else if (!method.parameters.empty()) {
    out.Line("auto params = ", FunctionFor("Decode", model, method, "Params"), "(call.params());");
    for (size_t i = 0; i < method.parameters.size(); ++i) {
      const std::string value = "params." + method.parameters[i].name;
      const bool scalar = IsScalar(method.params->fields[i].type());
      arguments.push_back(scalar ? value : "std::move(" + value + ")");
    }
  }
  std::string run = method.name + "(";
  for (size_t i = 0; i < arguments.size(); ++i) run += (i > 0 ? ", " : "") + arguments[i];
  run += ")";
  std::string reply = method.returns_value() ? "Reply" : "ReplyVoid";
  if (async) reply += "WhenReady";
  if (method.returns_value()) {
    out.Call("return call." + reply, {run, "&" + FunctionFor("Encode", model, method, "Results")},
             ";");
  } else {
    out.Line("return call.", reply, "(", run, ");");
  }
  out.Close();
}

void WriteDispatch(const FilePlan& plan, const InterfaceModel& model, const std::string& suffix,
                   CodeWriter& out) {
  const std::string servant = model.name + suffix;
  out.Blank();
  out.Open("void ", servant, "::Dispatch(drover::object::ServerCall& call) {");
  out.Open("switch (call.interface_id()) {");
  out.Open("case ", HexId(model.id), ":  // ", model.dotted_name);
  out.Line("break;");
  out.Outdent();
  for (uint64_t ancestor : plan.index.Ancestors(model.id)) {
    out.Open("case ", HexId(ancestor), ":  // ", plan.index.DottedName(ancestor));
    out.Line("return ", plan.types.Name(ancestor, suffix), "::Dispatch(call);");
    out.Outdent();
  }
  out.Open("default:");
  out.Line("return call.Unimplemented();");
  out.Outdent();
  out.Close();
  if (model.methods.empty()) {
    out.Line("call.Unimplemented();");
    out.Close();
    return;
  }
  out.Open("switch (call.method_id()) {");
  for (const MethodModel& method : model.methods) {
    WriteDispatchCase(model, method, suffix == "AsyncServant", out);
  }
  out.Open("default:");
  out.Line("return call.Unimplemented();");
  out.Outdent();
  out.Close();
  out.Close();
}

void WriteServant(const FilePlan& plan, const InterfaceModel& model, bool async, CodeWriter& out) {
  const std::string suffix = async ? "AsyncServant" : "Servant";
  for (const MethodModel& method : model.methods) {
    std::vector<std::string> parameters;
    for (const MethodModel::Parameter& p : method.parameters) {
      parameters.push_back(p.servant_type + " /*" + p.name + "*/");
    }
    out.Blank();
    out.Call((async ? method.FutureType() : method.BlockingType()) + " " + model.name + suffix +
                 "::" + method.name,
             parameters, " {");
    out.Indent();
    const std::string error = "absl::UnimplementedError(\"" + model.dotted_name + "." +
                              method.schema_name + " is not implemented\")";
    out.Line("return ", async ? method.FutureType() + "(" + error + ")" : error, ";");
    out.Close();
  }
  out.Blank();
  out.Open("const drover::object::InterfaceInfo& ", model.name, suffix, "::Interface() const {");
  out.Line("return ", model.name, "Proxy::Interface();");
  out.Close();
  WriteDispatch(plan, model, suffix, out);
}

}  // namespace

void WriteMethodTable(const InterfaceModel& model, CodeWriter& out) {
  if (model.methods.empty()) return;
  out.Blank();
  out.Open("constexpr drover::object::MethodInfo ", MethodTable(model), "[] = {");
  for (const MethodModel& method : model.methods) {
    out.Line(
        "  {.interface_id = ", HexId(model.id), ", .ordinal = ", std::to_string(method.ordinal),
        ", .interface_name = \"", model.dotted_name, "\", .name = \"", method.schema_name,
        "\", .concurrent = ", Bool(method.concurrent), ", .idempotent = ", Bool(method.idempotent),
        method.streaming ? ", .streaming = true" : "",
        method.result_slot < 0 ? "" : ", .result_slot = " + std::to_string(method.result_slot),
        "},");
  }
  out.Close("};");
}

void WriteMessageFunctions(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  for (const MethodModel& method : model.methods) {
    WriteParams(plan, model, method, out);
    WriteResults(plan, model, method, out);
  }
}

void WriteProxyMembers(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  out.Blank();
  out.Open("const drover::object::InterfaceInfo& ", model.name, "Proxy::Interface() {");
  if (!model.supers.empty()) {
    out.Open("static const drover::object::InterfaceInfo* const kSupers[] = {");
    for (uint64_t super : model.supers) {
      out.Line("&", plan.types.Name(super, "Proxy"), "::Interface(),");
    }
    out.Close("};");
  }
  out.Line(
      "static const drover::object::InterfaceInfo kInfo = {.id = ", HexId(model.id), ", .name = \"",
      model.dotted_name, "\", .methods = ", model.methods.empty() ? "{}" : MethodTable(model),
      ", .supers = ", model.supers.empty() ? "{}" : "kSupers",
      ", .schema_nodes = &drover::object::SchemaNodesOf<", plan.index.CapnpName(model.id), ">};");
  out.Line("return kInfo;");
  out.Close();
  for (View view : {View::kBlocking, View::kAsync, View::kOneWay}) {
    const auto has = [&](const MethodModel& method) {
      return view != View::kOneWay || method.one_way();
    };
    for (const MethodModel& method : model.methods) {
      if (has(method)) WriteProxyMethod(plan, model, method, view, out);
    }
    for (const InterfaceModel::Inherited& inherited : model.inherited) {
      if (has(inherited.method)) WriteInheritedMethod(plan, model, inherited, view, out);
    }
  }
}

void WriteServantMembers(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  WriteServant(plan, model, false, out);
  WriteServant(plan, model, true, out);
}

}  // namespace drover::codegen
