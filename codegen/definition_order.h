// The order in which a file's structs are defined, so that each is complete where another holds it
// by value, and which fields are boxed because no order would do.
#ifndef DROVER_CODEGEN_DEFINITION_ORDER_H_
#define DROVER_CODEGEN_DEFINITION_ORDER_H_

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "schema_index.h"

namespace drover::codegen {

// Calls `visit` for each slot of a struct, those of its groups included.
void ForEachSlot(const SchemaIndex& index, uint64_t struct_id,
                 const std::function<void(FieldReader)>& visit);

// The type within all lists around it.
TypeReader ElementOfLists(TypeReader type);

// Whether a struct of type `outer` can hold one of type `inner`, at any depth, lists included.
bool CanContain(const SchemaIndex& index, uint64_t outer, uint64_t inner);

class DefinitionOrder {
 public:
  // `structs`: the structs to be defined, groups excepted, in the order of the schema.
  DefinitionOrder(const SchemaIndex& index, const std::vector<uint64_t>& structs);

  const std::vector<uint64_t>& structs() const { return order_; }
  // Whether `holder` must keep a field of type `held` in a Box: by value it would, through any
  // number of structs, contain itself.
  bool IsBoxed(uint64_t holder, uint64_t held) const;
  // Whether `held` is still incomplete where `holder` is defined.
  bool IsDefinedLater(uint64_t holder, uint64_t held) const;

 private:
  using Graph = std::map<uint64_t, std::set<uint64_t>>;
  static bool Reaches(const Graph& graph, uint64_t from, uint64_t to);

  Graph by_value_;
  std::vector<uint64_t> order_;
};

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_DEFINITION_ORDER_H_
