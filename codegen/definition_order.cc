#include "definition_order.h"

#include <algorithm>

namespace drover::codegen {

void ForEachSlot(const SchemaIndex& index, uint64_t struct_id,
                 const std::function<void(FieldReader)>& visit) {
  for (auto field : index.Node(struct_id).getStruct().getFields()) {
    if (field.isGroup()) {
      ForEachSlot(index, field.getGroup().getTypeId(), visit);
    } else {
      visit(field);
    }
  }
}

TypeReader ElementOfLists(TypeReader type) {
  while (type.isList()) type = type.getList().getElementType();
  return type;
}

bool CanContain(const SchemaIndex& index, uint64_t outer, uint64_t inner) {
  std::set<uint64_t> seen;
  std::vector<uint64_t> open = {outer};
  while (!open.empty()) {
    const uint64_t at = open.back();
    open.pop_back();
    if (at == inner) return true;
    if (!seen.insert(at).second) continue;
    ForEachSlot(index, at, [&](FieldReader field) {
      const TypeReader type = ElementOfLists(field.getSlot().getType());
      if (type.isStruct()) open.push_back(type.getStruct().getTypeId());
    });
  }
  return false;
}

DefinitionOrder::DefinitionOrder(const SchemaIndex& index, const std::vector<uint64_t>& structs) {
  const std::set<uint64_t> ours(structs.begin(), structs.end());
  Graph in_lists_too;
  for (uint64_t id : structs) {
    ForEachSlot(index, id, [&](FieldReader field) {
      TypeReader type = field.getSlot().getType();
      TypeReader element = ElementOfLists(type);
      if (!element.isStruct() || !ours.contains(element.getStruct().getTypeId())) return;
      in_lists_too[id].insert(element.getStruct().getTypeId());
      if (type.isStruct()) by_value_[id].insert(type.getStruct().getTypeId());
    });
  }

  std::vector<uint64_t> left = structs;
  std::set<uint64_t> defined;
  auto all_defined = [&](const Graph& graph, uint64_t id, bool but_boxed) {
    auto it = graph.find(id);
    return it == graph.end() ||
           std::all_of(it->second.begin(), it->second.end(), [&](uint64_t held) {
             return held == id || defined.contains(held) || (but_boxed && IsBoxed(id, held));
           });
  };
  while (!left.empty()) {
    // A struct whose lists' elements are defined too, if there is one: it compiles fastest and
    // reads best.
    auto next = std::find_if(left.begin(), left.end(),
                             [&](uint64_t id) { return all_defined(in_lists_too, id, false); });
    if (next == left.end()) {
      next = std::find_if(left.begin(), left.end(),
                          [&](uint64_t id) { return all_defined(by_value_, id, true); });
    }
    defined.insert(*next);
    order_.push_back(*next);
    left.erase(next);
  }
}

bool DefinitionOrder::IsBoxed(uint64_t holder, uint64_t held) const {
  return Reaches(by_value_, held, holder);
}

bool DefinitionOrder::IsDefinedLater(uint64_t holder, uint64_t held) const {
  const auto at = std::find(order_.begin(), order_.end(), holder);
  return at != order_.end() && std::find(at + 1, order_.end(), held) != order_.end();
}

bool DefinitionOrder::Reaches(const Graph& graph, uint64_t from, uint64_t to) {
  std::set<uint64_t> seen;
  std::vector<uint64_t> open = {from};
  while (!open.empty()) {
    const uint64_t at = open.back();
    open.pop_back();
    if (at == to) return true;
    if (!seen.insert(at).second) continue;
    if (auto it = graph.find(at); it != graph.end()) {
      open.insert(open.end(), it->second.begin(), it->second.end());
    }
  }
  return false;
}

}  // namespace drover::codegen
