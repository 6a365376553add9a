// A struct or group of the schema with all its C++ names settled.
#ifndef DROVER_CODEGEN_STRUCT_MODEL_H_
#define DROVER_CODEGEN_STRUCT_MODEL_H_

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "definition_order.h"
#include "schema_index.h"

namespace drover::codegen {

struct StructModel {
  struct Member {
    FieldReader field;
    uint64_t holder = 0;      // the struct or group it is a field of
    std::string name;         // a data member, or the getter of a union's alternative
    std::string capnp;        // what Cap'n Proto's accessors end in
    std::string comment;      // of the schema
    bool boxed = false;       // held in a drover::Box
    bool incomplete = false;  // has elements whose type is defined later: takes no initializer
    std::shared_ptr<const StructModel> group;  // for groups

    // Of an alternative only.
    std::string enumerator;
    std::string is;
    std::string set;
    std::string mutable_get;

    TypeReader type() const { return field.getSlot().getType(); }
    uint16_t discriminant() const { return field.getDiscriminantValue(); }
    bool has_default() const { return !field.isGroup() && field.getSlot().getHadExplicitDefault(); }
  };

  uint64_t id = 0;
  std::string type_name;       // Tire, or for a group the name within its struct
  std::string qualified_name;  // ::race::Tire, ::race::Car::Address
  std::string comment;
  std::vector<Member> fields;        // in the order of the schema's text
  std::vector<Member> alternatives;  // of the unnamed union, by discriminant
  // Declarations nested in the struct: the name inside it, and the id.
  std::vector<std::pair<std::string, uint64_t>> nested;

  bool has_union() const { return !alternatives.empty(); }
  // Whether a member is `incomplete`.
  bool has_incomplete() const;
  // Whether it, or a group in it, holds a union.
  bool has_any_union() const;
  // Whether there is nothing in it but Void, so that there is nothing to read or write.
  bool is_void() const;
};

class StructModels {
 public:
  StructModels(const SchemaIndex& index, const DefinitionOrder& order)
      : index_(index), order_(order) {}

  // `struct_id`: a struct that is no group. Its members get none of the names in `taken`.
  StructModel Make(uint64_t struct_id, const std::set<std::string>& taken = {}) const;

 private:
  StructModel MakeScope(uint64_t id, uint64_t holder, std::string type_name,
                        std::string qualified_name, std::set<std::string> taken) const;
  bool IsIncomplete(const StructModel::Member& member, uint64_t holder) const;

  const SchemaIndex& index_;
  const DefinitionOrder& order_;
};

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_STRUCT_MODEL_H_
