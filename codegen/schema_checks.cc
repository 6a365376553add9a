#include "schema_checks.h"

#include <algorithm>
#include <map>
#include <set>

#include "cpp_types.h"
#include "definition_order.h"
#include "interface_model.h"
#include "names.h"
#include "pipeline_code.h"
#include "struct_model.h"
#include "used_files.h"

namespace drover::codegen {
namespace {

std::string Text(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

class FileChecker {
 public:
  FileChecker(const SchemaIndex& index, uint64_t file)
      : index_(index), file_(file), path_(index.FilePath(file)) {}

  std::vector<std::string> Run() {
    CheckNamespace();
    if (problems_.empty()) CheckScope(file_);
    if (problems_.empty()) CheckImportCycle();
    return std::move(problems_);
  }

 private:
  // `what`: the name of a declaration or member, or empty for the file itself.
  void Problem(const std::string& what, const std::string& message) {
    problems_.push_back(path_ + ": " + (what.empty() ? "" : what + ": ") + message);
  }

  void CheckNamespace();
  void CheckScope(uint64_t scope);
  void CheckNode(NodeReader node);
  void CheckStruct(uint64_t id, const std::string& name);
  void CheckInterface(NodeReader node, const std::string& name);
  void CheckInherited(NodeReader node, const std::string& name);
  void CheckType(TypeReader type, const std::string& name);
  void CheckReference(uint64_t id, const std::string& name);
  void CheckImportCycle();
  // Claims a name in the C++ namespace for a declaration of the schema.
  void Claim(const std::string& cpp, const std::string& declaration);

  const SchemaIndex& index_;
  const uint64_t file_;
  const std::string path_;
  std::map<std::string, std::string> claimed_;  // C++ name -> declaration
  std::set<uint64_t> interfaces_;               // those met so far
  std::vector<std::string> problems_;
};

void FileChecker::CheckNamespace() {
  const std::string ns = index_.DroverNamespace(file_);
  if (ns.empty()) {
    Problem("",
            "no C++ namespace for Drover's code; add the line "
            "'using Drover = import \"/drover/annotations.capnp\"; "
            "$Drover.namespace(\"...\");'");
    return;
  }
  if (ns == index_.CapnpNamespace(file_)) {
    Problem("", "$Drover.namespace and $Cxx.namespace are both \"" + ns +
                    "\"; Drover's code and Cap'n Proto's own need different ones");
  }
  // What the generated code says of others, from within the namespace.
  static const std::set<std::string>& kOthers =
      *new std::set<std::string>{"absl", "capnp", "drover", "kj", "std"};
  for (size_t begin = 0; begin <= ns.size();) {
    const size_t end = std::min(ns.find("::", begin), ns.size());
    const std::string part = ns.substr(begin, end - begin);
    const bool identifier =
        !part.empty() && (part[0] < '0' || part[0] > '9') &&
        part.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
            std::string::npos;
    if (!identifier || IsReservedWord(part)) {
      Problem("", "$Drover.namespace is \"" + ns + "\", which is no C++ namespace");
      return;
    }
    if (kOthers.contains(part) && (begin > 0 || part != "drover")) {
      Problem("", "$Drover.namespace is \"" + ns + "\"; '" + part +
                      "' in it would hide a namespace that the generated code needs");
      return;
    }
    begin = end + 2;
  }
}

void FileChecker::CheckScope(uint64_t scope) {
  for (NodeReader node : index_.Nested(scope)) {
    if (node.isAnnotation()) continue;
    CheckNode(node);
    CheckScope(node.getId());
  }
}

void FileChecker::CheckNode(NodeReader node) {
  const uint64_t id = node.getId();
  const std::string name = index_.DottedName(id);
  if (node.getIsGeneric() || node.getParameters().size() > 0) {
    Problem(name, "generic types are not supported yet");
    return;
  }
  if (node.isConst()) {
    CheckType(node.getConst().getType(), name);
    if (ElementOfLists(node.getConst().getType()).isInterface()) {
      Problem(name, "a constant cannot be an interface");
    }
    return;
  }
  if (node.isEnum()) Claim(index_.FlatName(id), name);
  if (node.isStruct()) {
    Claim(index_.FlatName(id), name);
    CheckStruct(id, name);
  }
  if (node.isInterface()) CheckInterface(node, name);
}

void FileChecker::CheckStruct(uint64_t id, const std::string& name) {
  for (FieldReader field : index_.Node(id).getStruct().getFields()) {
    if (!field.isGroup()) continue;
    for (NodeReader nested : index_.Nested(id)) {
      if (TitleCase(Text(field.getName())) != index_.LocalName(nested.getId())) continue;
      Problem(name + "." + Text(field.getName()), "in Cap'n Proto's C++ a group of that name and " +
                                                      index_.DottedName(nested.getId()) +
                                                      " have one name; rename one");
    }
  }
  if (HasPipeline(index_, id)) Claim(index_.FlatName(id) + "Pipeline", name);
  ForEachSlot(index_, id, [&](FieldReader field) {
    const std::string title = name + "." + Text(field.getName());
    const TypeReader type = ElementOfLists(field.getSlot().getType());
    CheckType(type, title);
    // Making the one value would need the other, and so on.
    if (type.isStruct() && field.getSlot().getHadExplicitDefault() &&
        CanContain(index_, type.getStruct().getTypeId(), id)) {
      Problem(title, "a default value in a type that contains itself is not supported yet");
    }
  });
}

void FileChecker::CheckInterface(NodeReader node, const std::string& name) {
  const std::string flat = index_.FlatName(node.getId());
  for (const char* suffix :
       {"Proxy", "Servant", "AsyncServant", "ZeroCopyProxy", "ZeroCopyServant"}) {
    Claim(flat + suffix, name);
  }
  Claim("Mock" + flat + "Servant", name);
  if (!index_.Nested(node.getId()).empty()) Claim(flat, name);
  for (auto super : node.getInterface().getSuperclasses()) {
    CheckReference(super.getId(), name);
    if (index_.FileOf(super.getId()) == file_ && !interfaces_.contains(super.getId())) {
      Problem(name, "declare it after " + index_.DottedName(super.getId()) +
                        ", which it extends; Cap'n Proto's C++ needs that order");
    }
  }
  interfaces_.insert(node.getId());
  const size_t before = problems_.size();
  for (MethodReader method : node.getInterface().getMethods()) {
    const std::string title = name + "." + Text(method.getName());
    if (method.getImplicitParameters().size() > 0) {
      Problem(title, "generic methods are not supported yet");
      continue;
    }
    for (const char* suffix : {"Params", "Results"}) {
      Claim(flat + TitleCase(Text(method.getName())) + suffix, title);
    }
    for (uint64_t side : {method.getParamStructType(), method.getResultStructType()}) {
      if (side == kStreamResult) continue;
      if (!index_.IsMethodStruct(side)) {
        CheckReference(side, title);
        continue;
      }
      CheckStruct(side, title);
    }
  }
  if (problems_.size() == before) CheckInherited(node, name);
}

// Servants inherit virtual functions, and one of a name and parameters is all a class can have.
void FileChecker::CheckInherited(NodeReader node, const std::string& name) {
  const CppTypes types(index_, "");
  const DefinitionOrder order(index_, {});
  const StructModels structs(index_, order);
  const InterfaceModels models(index_, types, structs);
  std::map<std::vector<std::string>, std::pair<std::string, std::string>> seen;
  std::vector<uint64_t> interfaces = {node.getId()};
  for (uint64_t ancestor : index_.Ancestors(node.getId())) interfaces.push_back(ancestor);
  for (uint64_t id : interfaces) {
    for (const MethodModel& method : models.Make(id).methods) {
      std::vector<std::string> signature = {method.name};
      for (const auto& parameter : method.parameters) signature.push_back(parameter.servant_type);
      const std::string title = index_.DottedName(id) + "." + method.schema_name;
      auto [it, first] = seen.emplace(signature, std::pair(title, method.BlockingType()));
      if (first) continue;
      const auto& [other, result] = it->second;
      // Two ancestors may share a method, when one function can serve both.
      if (other.starts_with(name + ".") || result != method.BlockingType()) {
        Problem(name, "a C++ servant cannot have both " + other + " and " + title +
                          ", which take the same parameters; rename one");
      }
    }
  }
}

void FileChecker::CheckType(TypeReader type, const std::string& name) {
  type = ElementOfLists(type);
  if (type.isAnyPointer()) {
    const bool parameter = !type.getAnyPointer().isUnconstrained();
    Problem(name,
            parameter ? "generic types are not supported yet" : "AnyPointer is not supported yet");
  }
  if (type.isEnum()) CheckReference(type.getEnum().getTypeId(), name);
  if (type.isStruct()) CheckReference(type.getStruct().getTypeId(), name);
  if (type.isInterface()) CheckReference(type.getInterface().getTypeId(), name);
}

void FileChecker::CheckReference(uint64_t id, const std::string& name) {
  const uint64_t file = index_.FileOf(id);
  if (file == file_) return;
  if (index_.Node(id).getIsGeneric()) {
    Problem(name, "generic types are not supported yet");
  } else if (index_.DroverNamespace(file).empty()) {
    Problem(name, index_.DottedName(id) + " is declared in " + index_.FilePath(file) +
                      ", which has no $Drover.namespace");
  }
}

void FileChecker::CheckImportCycle() {
  std::set<uint64_t> seen;
  std::vector<uint64_t> open = {file_};
  while (!open.empty()) {
    const uint64_t at = open.back();
    open.pop_back();
    if (!seen.insert(at).second) continue;
    for (uint64_t used : FilesUsedBy(index_, at)) {
      if (used != file_) {
        open.push_back(used);
        continue;
      }
      Problem("", "it and " + index_.FilePath(at) +
                      " need each other's types, and C++ headers cannot include each other; move "
                      "what both need to a third file");
      return;
    }
  }
}

void FileChecker::Claim(const std::string& cpp, const std::string& declaration) {
  auto [it, free] = claimed_.emplace(cpp, declaration);
  if (free || it->second == declaration) return;
  Problem(declaration, "its C++ name " + index_.DroverNamespace(file_) + "::" + cpp +
                           " is also that of " + it->second + "; rename one");
}

}  // namespace

std::vector<std::string> CheckFile(const SchemaIndex& index, uint64_t file) {
  return FileChecker(index, file).Run();
}

}  // namespace drover::codegen
