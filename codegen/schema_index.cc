#include "schema_index.h"

#include <algorithm>
#include <stdexcept>

#include "names.h"

namespace drover::codegen {
namespace {

std::string_view View(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

// The declared name where the schema overrides it for C++ with $Cxx.name.
std::string NameForCapnp(AnnotationList annotations, std::string declared) {
  std::string renamed = AnnotationText(annotations, kCxxName);
  return renamed.empty() ? std::move(declared) : std::move(renamed);
}

}  // namespace

bool HasAnnotation(AnnotationList annotations, uint64_t id) {
  for (auto annotation : annotations) {
    if (annotation.getId() == id) return true;
  }
  return false;
}

std::string AnnotationText(AnnotationList annotations, uint64_t id) {
  for (auto annotation : annotations) {
    if (annotation.getId() == id && annotation.getValue().isText()) {
      return std::string(View(annotation.getValue().getText()));
    }
  }
  return "";
}

SchemaIndex::SchemaIndex(capnp::schema::CodeGeneratorRequest::Reader request) {
  for (auto node : request.getNodes()) {
    nodes_.emplace(node.getId(), node);
    loader_.load(node);
    for (auto nested : node.getNestedNodes()) {
      names_[nested.getId()] = std::string(View(nested.getName()));
    }
  }
  for (auto info : request.getSourceInfo()) comments_.emplace(info.getId(), info);
  for (const auto& [id, node] : nodes_) {
    if (!node.isInterface()) continue;
    uint16_t ordinal = 0;
    for (auto method : node.getInterface().getMethods()) {
      for (bool results : {false, true}) {
        const uint64_t type = results ? method.getResultStructType() : method.getParamStructType();
        if (nodes_.contains(type) && nodes_.at(type).getScopeId() == 0) {
          method_structs_.emplace(type, MethodStruct{id, ordinal, results});
        }
      }
      ++ordinal;
    }
  }
}

NodeReader SchemaIndex::Node(uint64_t id) const {
  auto it = nodes_.find(id);
  if (it == nodes_.end()) throw std::runtime_error("the request lacks a node it refers to");
  return it->second;
}

std::string_view SchemaIndex::Comment(uint64_t id) const {
  auto it = comments_.find(id);
  return it == comments_.end() ? std::string_view() : View(it->second.getDocComment());
}

std::string_view SchemaIndex::MemberComment(uint64_t id, uint32_t member) const {
  auto it = comments_.find(id);
  if (it == comments_.end() || member >= it->second.getMembers().size()) return {};
  return View(it->second.getMembers()[member].getDocComment());
}

uint64_t SchemaIndex::FileOf(uint64_t id) const {
  for (NodeReader node = Node(id);; node = Node(id)) {
    if (node.isFile()) return id;
    auto owner = method_structs_.find(id);
    id = owner != method_structs_.end() ? owner->second.interface_id : node.getScopeId();
  }
}

std::string SchemaIndex::FilePath(uint64_t file) const {
  return std::string(View(Node(file).getDisplayName()));
}

std::string SchemaIndex::DroverNamespace(uint64_t file) const {
  return AnnotationText(Node(file).getAnnotations(), kDroverNamespace);
}

std::string SchemaIndex::CapnpNamespace(uint64_t file) const {
  return AnnotationText(Node(file).getAnnotations(), kCxxNamespace);
}

std::vector<std::string> SchemaIndex::ScopedName(uint64_t id) const {
  if (auto owner = method_structs_.find(id); owner != method_structs_.end()) {
    const MethodStruct& at = owner->second;
    std::vector<std::string> name = ScopedName(at.interface_id);
    auto method = Node(at.interface_id).getInterface().getMethods()[at.method];
    name.push_back(TitleCase(View(method.getName())) + (at.results ? "Results" : "Params"));
    return name;
  }
  NodeReader node = Node(id);
  if (node.isFile()) return {};
  std::vector<std::string> name = ScopedName(node.getScopeId());
  if (auto it = names_.find(id); it != names_.end()) {
    name.push_back(it->second);
    return name;
  }
  for (auto field : Node(node.getScopeId()).getStruct().getFields()) {
    if (field.isGroup() && field.getGroup().getTypeId() == id) {
      name.push_back(TitleCase(View(field.getName())));
    }
  }
  return name;
}

std::string SchemaIndex::DottedName(uint64_t id) const {
  std::string out;
  for (const std::string& part : ScopedName(id)) out += (out.empty() ? "" : ".") + part;
  return out;
}

std::vector<NodeReader> SchemaIndex::Nested(uint64_t id) const {
  std::vector<NodeReader> out;
  for (auto nested : Node(id).getNestedNodes()) {
    if (Has(nested.getId())) out.push_back(Node(nested.getId()));
  }
  return out;
}

std::string SchemaIndex::FlatName(uint64_t id) const {
  std::string out;
  for (const std::string& part : ScopedName(id)) out += part;
  return out;
}

std::string SchemaIndex::QualifiedName(uint64_t id, std::string_view suffix) const {
  return "::" + DroverNamespace(FileOf(id)) + "::" + FlatName(id) + std::string(suffix);
}

std::string SchemaIndex::CapnpDeclaredName(NodeReader node) const {
  std::string declared = LocalName(node.getId());
  return NameForCapnp(node.getAnnotations(), std::move(declared));
}

std::string SchemaIndex::CapnpName(uint64_t id) const {
  if (auto owner = method_structs_.find(id); owner != method_structs_.end()) {
    const MethodStruct& at = owner->second;
    auto method = Node(at.interface_id).getInterface().getMethods()[at.method];
    std::string name = NameForCapnp(method.getAnnotations(), std::string(View(method.getName())));
    return CapnpName(at.interface_id) + "::" + TitleCase(name) +
           (at.results ? "Results" : "Params");
  }
  NodeReader node = Node(id);
  if (node.isFile()) {
    const std::string ns = CapnpNamespace(id);
    return ns.empty() ? "" : "::" + ns;
  }
  return CapnpName(node.getScopeId()) + "::" + CapnpDeclaredName(node);
}

std::string SchemaIndex::CapnpAccessor(FieldReader field) const {
  return TitleCase(NameForCapnp(field.getAnnotations(), std::string(View(field.getName()))));
}

std::vector<uint64_t> SchemaIndex::Ancestors(uint64_t id) const {
  std::vector<uint64_t> out;
  std::vector<uint64_t> level = {id};
  while (!level.empty()) {
    std::vector<uint64_t> next;
    for (uint64_t at : level) {
      for (auto super : Node(at).getInterface().getSuperclasses()) {
        if (std::find(out.begin(), out.end(), super.getId()) != out.end()) continue;
        out.push_back(super.getId());
        next.push_back(super.getId());
      }
    }
    level = std::move(next);
  }
  return out;
}

}  // namespace drover::codegen
