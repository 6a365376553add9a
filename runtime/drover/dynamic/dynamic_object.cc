#include "drover/dynamic/dynamic_object.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "drover/base/status_macros.h"
#include "drover/dynamic/json_params.h"
#include "drover/dynamic/json_results.h"
#include "drover/dynamic/loaded_schema.h"
#include "drover/dynamic/node_client.h"
#include "drover/dynamic/schema_text.h"
#include "drover/object/generated.h"

namespace drover {
namespace {

absl::Status Explain(const Endpoint& endpoint, const absl::Status& status) {
  const char* why = absl::IsUnimplemented(status) ? "the server does not describe itself: " : "";
  return absl::Status(status.code(),
                      absl::StrCat(endpoint.ToString(), ": ", why, status.message()));
}

}  // namespace

absl::StatusOr<DynamicObject> DynamicObject::Connect(const Endpoint& endpoint,
                                                     const ConnectOptions& options,
                                                     const CallOptions& call_options) {
  // A connection of its own for the question, unless it is the front object that is called: the
  // one to a named object goes on to that at every dial.
  const Proxy front = object::ConnectTo(endpoint.WithoutName(), options);
  const dynamic::NodeClient node(front, call_options);
  absl::StatusOr<dynamic::Description> description = node.Describe(endpoint.name());
  if (!description.ok()) return Explain(endpoint, description.status());
  auto schema = dynamic::LoadedSchema::Load(description->interface_id, description->nodes);
  if (!schema.ok()) {
    return absl::Status(schema.status().code(),
                        absl::StrCat(endpoint.ToString(), ": ", schema.status().message()));
  }
  Proxy object = front;
  if (!endpoint.name().empty()) {
    if (endpoint.scheme() == Endpoint::Scheme::kFd) {  // can be dialled once
      DROVER_ASSIGN_OR_RETURN(object, node.Lookup(endpoint.name()));
    } else {
      object = object::ConnectTo(endpoint, options);
    }
  }
  return DynamicObject(std::move(object), *std::move(schema), description->interface_id)
      .With(call_options);
}

absl::StatusOr<DynamicObject> DynamicObject::Connect(std::string_view endpoint,
                                                     const ConnectOptions& options,
                                                     const CallOptions& call_options) {
  DROVER_ASSIGN_OR_RETURN(const Endpoint parsed, Endpoint::Parse(endpoint));
  return Connect(parsed, options, call_options);
}

std::string DynamicObject::interface_name() const {
  return schema_ == nullptr ? "" : schema_->Interface(interface_id_).name;
}

std::vector<DynamicMethod> DynamicObject::Methods() const {
  std::vector<DynamicMethod> methods;
  if (schema_ == nullptr) return methods;
  for (const dynamic::LoadedInterface* interface : schema_->Lineage(interface_id_)) {
    for (const auto& method : interface->methods) {
      methods.push_back({.name = schema_->CallName(interface_id_, *method),
                         .interface = interface->name,
                         .parameters = method->params_text,
                         .results = method->results_text,
                         .streaming = method->info.streaming});
    }
  }
  return methods;
}

std::string DynamicObject::Describe() const {
  if (schema_ == nullptr) return "";
  return dynamic::InterfaceText(schema_->Interface(interface_id_).schema);
}

DynamicObject DynamicObject::With(CallOptions options) const {
  return DynamicObject(WithOptions(std::move(options)), schema_, interface_id_);
}

absl::StatusOr<const dynamic::LoadedMethod*> DynamicObject::Find(std::string_view method) const {
  if (schema_ == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        std::string(method), ": called through a DynamicObject that refers to no object"));
  }
  return schema_->FindMethod(interface_id_, method);
}

// How the results of a call become a reply; it keeps the schema, which the call refers to.
class DynamicReply::Decoder {
 public:
  Decoder(const DynamicObject& object, const dynamic::LoadedMethod& method)
      : schema_(object.schema_), method_(method) {}

  DynamicReply operator()(capnp::AnyPointer::Reader results) const {
    dynamic::JsonResults written = dynamic::WriteResults(results, method_.results);
    DynamicReply reply;
    reply.json_ = std::move(written.json);
    for (auto& object : written.objects) {
      reply.objects_.push_back(DynamicObject(Proxy::FromCapability(std::move(object.capability)),
                                             schema_, object.interface_id));
      reply.paths_.push_back(std::move(object.path));
    }
    return reply;
  }

 private:
  const std::shared_ptr<const dynamic::LoadedSchema> schema_;
  const dynamic::LoadedMethod& method_;
};

absl::StatusOr<DynamicReply> DynamicObject::Call(std::string_view method, std::string_view json,
                                                 const std::vector<Proxy>& objects) const {
  DROVER_ASSIGN_OR_RETURN(const dynamic::LoadedMethod* found, Find(method));
  object::ClientCall call(*this, found->info);
  call.FillPointer([&](capnp::AnyPointer::Builder params) {
    dynamic::ReadParams(json, found->params, objects, params);
  });
  return std::move(call).GetWith<DynamicReply>(DynamicReply::Decoder(*this, *found));
}

Future<DynamicReply> DynamicObject::CallAsync(std::string_view method, std::string_view json,
                                              const std::vector<Proxy>& objects) const {
  const absl::StatusOr<const dynamic::LoadedMethod*> found = Find(method);
  if (!found.ok()) return Future<DynamicReply>(found.status());
  object::ClientCall call(*this, (*found)->info);
  call.FillPointer([&](capnp::AnyPointer::Builder params) {
    dynamic::ReadParams(json, (*found)->params, objects, params);
  });
  return std::move(call).StartWith<DynamicReply>(DynamicReply::Decoder(*this, **found));
}

absl::Status DynamicObject::CallOneWay(std::string_view method, std::string_view json,
                                       const std::vector<Proxy>& objects) const {
  DROVER_ASSIGN_OR_RETURN(const dynamic::LoadedMethod* found, Find(method));
  if (found->info.streaming || found->results.getFields().size() > 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        found->qualified_name(), " has results or is a stream, and cannot be called one-way"));
  }
  object::ClientCall call(*this, found->info);
  call.FillPointer([&](capnp::AnyPointer::Builder params) {
    dynamic::ReadParams(json, found->params, objects, params);
  });
  return std::move(call).SendOneWay(schema_);
}

absl::StatusOr<DynamicObject> DynamicReply::ObjectAt(std::string_view path) const {
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (paths_[i] == path) return objects_[i];
  }
  return absl::NotFoundError(absl::StrCat(
      "there is no object at \"", std::string(path), "\" of the results; ",
      paths_.empty() ? "there is none" : "there are some at " + absl::StrJoin(paths_, ", ")));
}

}  // namespace drover
