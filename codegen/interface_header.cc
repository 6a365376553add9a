#include "interface_header.h"

namespace drover::codegen {
namespace {

void WriteAmbiguous(const InterfaceModel& model, CodeWriter& out) {
  if (!model.ambiguous.empty()) out.Blank();
  for (const std::string& method : model.ambiguous) {
    out.Line("// Left out, since another method has its name: ", method, ".");
  }
}

void WriteConversions(const FilePlan& plan, const InterfaceModel& model, const std::string& nested,
                      CodeWriter& out) {
  for (uint64_t ancestor : plan.index.Ancestors(model.id)) {
    const std::string name = plan.types.Name(ancestor, "Proxy") + nested;
    out.OneLiner("operator " + name + "() const", "return " + name + "(drover::Proxy(*this));");
  }
}

void WriteProxyMethods(const FilePlan& plan, const InterfaceModel& model, bool async,
                       CodeWriter& out) {
  auto declare = [&](const MethodModel& method) {
    out.Call((async ? method.FutureType() : method.BlockingType()) + " " + method.name,
             method.ProxyParameters(), " const;");
  };
  if (!model.methods.empty()) out.Blank();
  for (const MethodModel& method : model.methods) {
    if (!async && (method.streaming || !method.comment.empty())) out.Blank();
    if (!async) out.Comment(method.comment);
    if (!async && method.streaming) out.Line("// Streaming, as drover/object/stream.h says.");
    declare(method);
  }
  uint64_t from = 0;
  for (const InterfaceModel::Inherited& inherited : model.inherited) {
    if (inherited.from != from) {
      from = inherited.from;
      out.Blank();
      out.Line("// From ", plan.index.DottedName(from), ":");
    }
    if (!async && !inherited.method.comment.empty()) out.Blank();
    if (!async) out.Comment(inherited.method.comment);
    declare(inherited.method);
  }
  if (!async) WriteAmbiguous(model, out);
}

void WriteOneWayProxy(const InterfaceModel& model, CodeWriter& out) {
  if (!model.HasOneWay()) return;
  out.Blank();
  out.Line("// The methods without results, sent without waiting: drover/object/one_way.h.");
  out.Open("class ", model.name, "Proxy::OneWay : public drover::Proxy {");
  out.Label("public:");
  out.Line("OneWay() = default;");
  out.Line("explicit OneWay(drover::Proxy proxy) : drover::Proxy(std::move(proxy)) {}");
  out.OneLiner("OneWay With(drover::CallOptions options) const",
               "return OneWay(WithOptions(std::move(options)));");
  const auto declare = [&](const MethodModel& method) {
    if (method.one_way()) {
      out.Call("absl::Status " + method.name, method.ProxyParameters(), " const;");
    }
  };
  out.Blank();
  for (const MethodModel& method : model.methods) declare(method);
  for (const InterfaceModel::Inherited& inherited : model.inherited) declare(inherited.method);
  out.Close("};");
  out.Blank();
  out.OneLiner("inline " + model.name + "Proxy::OneWay " + model.name + "Proxy::one_way() const",
               "return OneWay(*this);");
}

void WriteBlockingProxy(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  const std::string name = model.name + "Proxy";
  out.Blank();
  out.Comment(model.comment);
  out.Open("class ", name, " : public drover::Proxy {");
  out.Label("public:");
  out.Line("class Async;");
  if (model.HasOneWay()) out.Line("class OneWay;");
  out.Line("static const drover::object::InterfaceInfo& Interface();");
  out.Blank();
  out.Line(name, "() = default;");
  out.Line("explicit ", name, "(drover::Proxy proxy) : drover::Proxy(std::move(proxy)) {}");
  out.Line("// A servant of this process, where a proxy is wanted.");
  out.Line("template <class S>");
  const std::string either = "  requires(std::is_base_of_v<" + model.name + "Servant, S> ||";
  const std::string other = "std::is_base_of_v<" + model.name + "AsyncServant, S>)";
  if (2 + either.size() + 1 + other.size() <= CodeWriter::kColumns) {
    out.Line(either, " ", other);
  } else {
    out.Line(either, "\n           ", other);
  }
  out.Line(name, "(std::shared_ptr<S> servant)  // NOLINT: implicit, as said");
  out.Line("    : drover::Proxy(std::shared_ptr<drover::Servant>(std::move(servant))) {}");
  WriteConversions(plan, model, "", out);
  out.Blank();
  out.Line("// The same methods, returning futures.");
  out.Line("Async async() const;");
  if (model.HasOneWay()) {
    out.Line("// Those without results, called without waiting (drover/object/one_way.h).");
    out.Line("OneWay one_way() const;");
  }
  out.Line("// The same object, called with these options.");
  out.OneLiner(name + " With(drover::CallOptions options) const",
               "return " + name + "(WithOptions(std::move(options)));");
  WriteProxyMethods(plan, model, false, out);
  out.Close("};");
}

void WriteAsyncProxy(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  out.Blank();
  out.Open("class ", model.name, "Proxy::Async : public drover::Proxy {");
  out.Label("public:");
  out.Line("Async() = default;");
  out.Line("Async(const ", model.name,
           "Proxy& proxy) : drover::Proxy(proxy) {}  // NOLINT: implicit");
  out.Line("explicit Async(drover::Proxy proxy) : drover::Proxy(std::move(proxy)) {}");
  out.OneLiner("operator " + model.name + "Proxy() const",
               "return " + model.name + "Proxy(drover::Proxy(*this));");
  out.OneLiner("Async With(drover::CallOptions options) const",
               "return Async(WithOptions(std::move(options)));");
  WriteConversions(plan, model, "::Async", out);
  WriteProxyMethods(plan, model, true, out);
  out.Close("};");
  out.Blank();
  out.Line("inline ", model.name, "Proxy::Async ", model.name,
           "Proxy::async() const { return Async(*this); }");
}

void WriteServant(const FilePlan& plan, const InterfaceModel& model, bool async, CodeWriter& out) {
  const std::string suffix = async ? "AsyncServant" : "Servant";
  const std::string head = "class " + model.name + suffix + " : ";
  std::string bases;
  for (uint64_t super : model.supers) {
    if (!bases.empty()) bases += ",\n" + std::string(head.size(), ' ');
    bases += "public virtual " + plan.types.Name(super, suffix);
  }
  if (bases.empty()) bases = "public virtual drover::Servant";

  out.Blank();
  if (!async) {
    out.Line("// Derive from it to serve ", model.dotted_name,
             "; a method not overridden answers Unimplemented.");
  } else {
    out.Line("// The same for methods that answer later.");
  }
  out.Open(head, bases, " {");
  out.Label("public:");
  for (const MethodModel& method : model.methods) {
    if (!async && !method.comment.empty()) out.Blank();
    if (!async) out.Comment(method.comment);
    out.Call("virtual " + (async ? method.FutureType() : method.BlockingType()) + " " + method.name,
             method.ServantParameters(), ";");
  }
  if (!model.hidden.empty()) out.Blank();
  for (const auto& [ancestor, method] : model.hidden) {
    out.Line("using ", plan.types.Name(ancestor, suffix), "::", method, ";");
  }
  out.Blank();
  out.Line("const drover::object::InterfaceInfo& Interface() const override;");
  out.Line("void Dispatch(drover::object::ServerCall& call) override;");
  out.Close("};");
}

}  // namespace

void WriteProxies(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  WriteBlockingProxy(plan, model, out);
  WriteAsyncProxy(plan, model, out);
  WriteOneWayProxy(model, out);
}

void WriteServants(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out) {
  WriteServant(plan, model, false, out);
  WriteServant(plan, model, true, out);
}

}  // namespace drover::codegen
