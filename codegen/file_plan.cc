#include "file_plan.h"

#include <algorithm>
#include <functional>

#include "used_files.h"

namespace drover::codegen {
namespace {

// The path of an import as the importing file wrote it, from the root of the output.
std::string ResolveImport(const std::string& importer, std::string name) {
  if (name.starts_with('/')) return name.substr(1);
  std::string dir = importer.substr(0, importer.find_last_of('/') + 1);
  while (name.starts_with("./") || name.starts_with("../")) {
    if (name.starts_with("../")) {
      if (dir.empty()) return name;
      dir.pop_back();
      dir.resize(dir.find_last_of('/') + 1);
    }
    name = name.substr(name.find('/') + 1);
  }
  return dir + name;
}

}  // namespace

static std::string HeaderOf(std::string path) {
  if (path.starts_with('/')) path = path.substr(1);
  if (path.ends_with(".capnp")) path.resize(path.size() - 6);
  return path + ".drover.h";
}

FilePlan::FilePlan(const SchemaIndex& index, RequestedFile file)
    : index(index),
      id(file.getId()),
      path(file.getFilename().begin(), file.getFilename().size()),
      cpp_namespace(index.DroverNamespace(id)),
      types(index, cpp_namespace),
      root_types(index, ""),
      order(index, CollectStructs()),
      struct_models(index, order),
      literals(index, types, struct_models) {
  for (uint64_t id : order.structs()) structs.push_back(struct_models.Make(id));
  const InterfaceModels models(index, types, struct_models);
  for (uint64_t id : interfaces) interface_models.push_back(models.Make(id));
  CollectImports(file);
}

std::string FilePlan::OutputPath(std::string_view suffix) const {
  std::string stem = path.starts_with('/') ? path.substr(1) : path;
  if (stem.ends_with(".capnp")) stem.resize(stem.size() - 6);
  return stem + std::string(suffix);
}

std::vector<uint64_t> FilePlan::CollectStructs() {
  std::vector<uint64_t> structs;
  Collect(id, structs);
  // Interfaces after those they extend; a schema cannot make that circular.
  std::vector<uint64_t> sorted;
  std::function<void(uint64_t)> add = [&](uint64_t interface_id) {
    if (std::find(sorted.begin(), sorted.end(), interface_id) != sorted.end()) return;
    for (auto super : index.Node(interface_id).getInterface().getSuperclasses()) {
      if (index.FileOf(super.getId()) == id) add(super.getId());
    }
    sorted.push_back(interface_id);
  };
  for (uint64_t interface_id : interfaces) add(interface_id);
  interfaces = std::move(sorted);
  return structs;
}

void FilePlan::Collect(uint64_t scope, std::vector<uint64_t>& structs) {
  for (NodeReader node : index.Nested(scope)) {
    const uint64_t id = node.getId();
    if (node.isEnum()) enums.push_back(id);
    if (node.isStruct()) structs.push_back(id);
    if (node.isInterface()) {
      interfaces.push_back(id);
      const std::vector<NodeReader> nested = index.Nested(id);
      if (std::any_of(nested.begin(), nested.end(), [](auto n) { return !n.isAnnotation(); })) {
        scopes.push_back(id);
      }
      for (auto method : node.getInterface().getMethods()) {
        const uint64_t results = method.getResultStructType();
        if (index.IsMethodStruct(results) &&
            index.Node(results).getStruct().getFields().size() > 1) {
          structs.push_back(results);
        }
      }
    }
    Collect(id, structs);
  }
}

void FilePlan::CollectImports(RequestedFile file) {
  std::set<uint64_t> files = FilesUsedBy(index, id);
  for (auto import : file.getImports()) {
    if (files.erase(import.getId()) == 0) continue;
    imports.push_back(
        HeaderOf(ResolveImport(path, {import.getName().begin(), import.getName().size()})));
  }
  // Types of files that this one does not import itself, but through aliases of another's.
  for (uint64_t other : files) imports.push_back(HeaderOf(index.FilePath(other)));
  std::sort(imports.begin(), imports.end());
  imports.erase(std::unique(imports.begin(), imports.end()), imports.end());
}

}  // namespace drover::codegen
