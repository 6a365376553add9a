#include "used_files.h"

#include "definition_order.h"

namespace drover::codegen {
namespace {

class Uses {
 public:
  explicit Uses(const SchemaIndex& index) : index_(index) {}

  void Visit(uint64_t scope) {
    for (NodeReader node : index_.Nested(scope)) {
      if (node.isStruct()) AddFields(node.getId());
      if (node.isConst()) AddType(node.getConst().getType());
      if (node.isInterface()) AddInterface(node);
      Visit(node.getId());
    }
  }
  std::set<uint64_t> Take() { return std::move(files_); }

 private:
  // Nodes that nothing requested refers to are not in the request.
  void Add(uint64_t type_id) {
    if (index_.Has(type_id)) files_.insert(index_.FileOf(type_id));
  }
  void AddType(TypeReader type) {
    type = ElementOfLists(type);
    if (type.isEnum()) Add(type.getEnum().getTypeId());
    if (type.isStruct()) Add(type.getStruct().getTypeId());
    if (type.isInterface()) Add(type.getInterface().getTypeId());
  }
  void AddFields(uint64_t struct_id) {
    if (!index_.Has(struct_id)) return;
    ForEachSlot(index_, struct_id, [&](FieldReader field) { AddType(field.getSlot().getType()); });
  }
  void AddInterface(NodeReader node) {
    for (uint64_t ancestor : index_.Ancestors(node.getId())) Add(ancestor);
    for (MethodReader method : node.getInterface().getMethods()) {
      for (uint64_t side : {method.getParamStructType(), method.getResultStructType()}) {
        if (side == kStreamResult) continue;
        if (index_.IsMethodStruct(side)) {
          AddFields(side);
        } else {
          Add(side);
        }
      }
    }
  }

  const SchemaIndex& index_;
  std::set<uint64_t> files_;
};

}  // namespace

std::set<uint64_t> FilesUsedBy(const SchemaIndex& index, uint64_t file) {
  Uses uses(index);
  uses.Visit(file);
  std::set<uint64_t> files = uses.Take();
  files.erase(file);
  return files;
}

}  // namespace drover::codegen
