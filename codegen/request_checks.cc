#include "request_checks.h"

#include <cctype>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "schema_index.h"

namespace drover::codegen {
namespace {

// More than any schema nests its declarations, groups or interfaces; the generator recurses.
constexpr int kMostDepth = 64;
// A message of a few kilobytes can hold a list of millions of the same nothing.
constexpr size_t kMostProblems = 100;

std::string_view View(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

bool IsIdentifier(std::string_view name) {
  if (name.empty() || std::isalpha(static_cast<unsigned char>(name[0])) == 0) return false;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  }
  return true;
}

class RequestChecker {
 public:
  explicit RequestChecker(capnp::schema::CodeGeneratorRequest::Reader request)
      : request_(request) {}

  std::vector<std::string> Run() {
    for (NodeReader node : request_.getNodes()) {
      if (!nodes_.emplace(node.getId(), node).second) Problem(node, "is there twice");
    }
    for (const auto& [id, node] : nodes_) CheckNode(node);
    for (const auto& [id, node] : nodes_) {
      if (!node.isFile() && !owned_.contains(id)) Problem(node, "is declared nowhere");
    }
    // Only what nests as it should can be walked along.
    if (problems_.empty()) {
      for (const auto& [id, node] : nodes_) CheckDepth(node);
    }
    for (auto file : request_.getRequestedFiles()) {
      if (!Is(file.getId(), capnp::schema::Node::FILE)) {
        Add("a file is requested that the request does not have");
      }
    }
    return std::move(problems_);
  }

 private:
  using Kind = capnp::schema::Node::Which;

  void Problem(NodeReader node, std::string_view what) {
    if (problems_.size() >= kMostProblems) return;
    Add("node '" + std::string(View(node.getDisplayName())) + "' " + std::string(what));
  }
  void Add(std::string problem) {
    if (problems_.size() < kMostProblems) problems_.push_back(std::move(problem));
  }

  bool Is(uint64_t id, Kind kind) const {
    auto it = nodes_.find(id);
    return it != nodes_.end() && it->second.which() == kind;
  }
  // Whether `id` is of that kind, or is not in the request, as what nobody needs.
  bool MayBe(uint64_t id, Kind kind) const { return !nodes_.contains(id) || Is(id, kind); }

  void CheckNode(NodeReader node) {
    CheckNested(node);
    if (node.isStruct()) CheckFields(node);
    if (node.isEnum()) {
      for (auto enumerant : node.getEnum().getEnumerants()) CheckName(node, enumerant.getName());
    }
    if (node.isInterface()) CheckInterface(node);
    if (node.isConst()) CheckType(node, node.getConst().getType());
    if (node.isAnnotation()) CheckType(node, node.getAnnotation().getType());
  }

  void CheckName(NodeReader node, capnp::Text::Reader name) {
    if (!IsIdentifier(View(name))) Problem(node, "has a member whose name is no identifier");
  }

  void CheckNested(NodeReader node) {
    for (auto nested : node.getNestedNodes()) {
      CheckName(node, nested.getName());
      auto it = nodes_.find(nested.getId());
      if (it == nodes_.end()) continue;
      if (it->second.getScopeId() != node.getId() || it->second.isFile()) {
        Problem(it->second, "is nested in a node that is not its scope");
      }
      Own(it->second);
    }
  }

  void CheckFields(NodeReader node) {
    for (FieldReader field : node.getStruct().getFields()) {
      CheckName(node, field.getName());
      if (field.isSlot()) {
        CheckType(node, field.getSlot().getType());
        if (field.getSlot().getDefaultValue().which() !=
            static_cast<capnp::schema::Value::Which>(field.getSlot().getType().which())) {
          Problem(node, "has a default value of another type than its field");
        }
        continue;
      }
      const uint64_t group = field.getGroup().getTypeId();
      if (!nodes_.contains(group)) continue;
      if (!Is(group, capnp::schema::Node::STRUCT) || !nodes_.at(group).getStruct().getIsGroup() ||
          nodes_.at(group).getScopeId() != node.getId()) {
        Problem(node, "has a group that is none");
      } else {
        Own(nodes_.at(group));
      }
    }
  }

  void CheckInterface(NodeReader node) {
    for (auto super : node.getInterface().getSuperclasses()) {
      if (!MayBe(super.getId(), capnp::schema::Node::INTERFACE)) {
        Problem(node, "extends what is no interface");
      }
    }
    for (MethodReader method : node.getInterface().getMethods()) {
      CheckName(node, method.getName());
      for (uint64_t side : {method.getParamStructType(), method.getResultStructType()}) {
        if (!nodes_.contains(side)) continue;
        if (!Is(side, capnp::schema::Node::STRUCT)) {
          Problem(node, "has a method whose params or results are no struct");
        } else if (nodes_.at(side).getScopeId() == 0) {
          Own(nodes_.at(side));
          interface_of_.emplace(side, node.getId());
        }
      }
    }
  }

  // Where it is declared: params and results name no scope.
  uint64_t ScopeOf(uint64_t id) const {
    auto it = interface_of_.find(id);
    return it != interface_of_.end() ? it->second : nodes_.at(id).getScopeId();
  }

  void CheckType(NodeReader node, TypeReader type) {
    while (type.isList()) type = type.getList().getElementType();
    const bool sound = type.isEnum() ? MayBe(type.getEnum().getTypeId(), capnp::schema::Node::ENUM)
                       : type.isStruct()
                           ? MayBe(type.getStruct().getTypeId(), capnp::schema::Node::STRUCT)
                       : type.isInterface()
                           ? MayBe(type.getInterface().getTypeId(), capnp::schema::Node::INTERFACE)
                           : true;
    if (!sound) Problem(node, "has a type that is of another kind");
  }

  // Every declaration has one place.
  void Own(NodeReader node) {
    if (!owned_.insert(node.getId()).second) Problem(node, "is declared in two places");
  }

  void CheckDepth(NodeReader node) {
    int depth = 0;
    for (uint64_t id = ScopeOf(node.getId()); id != 0; id = ScopeOf(id)) {
      // The scope of what nobody needs may be missing; who needs it is told so.
      if (!nodes_.contains(id)) break;
      if (++depth > kMostDepth) {
        Problem(node, "is nested too deeply, or in itself");
        return;
      }
    }
    if (node.isInterface() && !IsShallow(node, 0)) {
      Problem(node, "extends too long a line of interfaces, or itself");
    }
  }

  bool IsShallow(NodeReader node, int depth) {
    if (shallow_.contains(node.getId())) return true;
    if (depth > kMostDepth) return false;
    for (auto super : node.getInterface().getSuperclasses()) {
      auto it = nodes_.find(super.getId());
      if (it != nodes_.end() && !IsShallow(it->second, depth + 1)) return false;
    }
    shallow_.insert(node.getId());
    return true;
  }

  const capnp::schema::CodeGeneratorRequest::Reader request_;
  std::map<uint64_t, NodeReader> nodes_;
  std::set<uint64_t> owned_;
  std::map<uint64_t, uint64_t> interface_of_;  // by struct of params or results of its methods
  std::set<uint64_t> shallow_;                 // interfaces whose ancestors are known to end
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> CheckRequest(capnp::schema::CodeGeneratorRequest::Reader request) {
  return RequestChecker(request).Run();
}

}  // namespace drover::codegen
