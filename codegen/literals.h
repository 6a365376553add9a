// Default values and constants of the schema as C++ expressions.
#ifndef DROVER_CODEGEN_LITERALS_H_
#define DROVER_CODEGEN_LITERALS_H_

#include <capnp/dynamic.h>

#include <string>
#include <string_view>

#include "cpp_types.h"
#include "schema_index.h"
#include "struct_model.h"

namespace drover::codegen {

// "text" with what needs it escaped, quotes included.
std::string QuotedText(std::string_view text);

class Literals {
 public:
  Literals(const SchemaIndex& index, const CppTypes& types, const StructModels& models)
      : index_(index), types_(types), models_(models) {}

  // What a field's member initialiser says after its "=": 5, "text", {}.
  std::string Default(const StructModel::Member& member) const;
  // The value of a constant.
  std::string Constant(NodeReader node) const;

 private:
  capnp::DynamicValue::Reader DefaultValue(const StructModel::Member& member) const;
  std::string Of(TypeReader type, capnp::DynamicValue::Reader value) const;
  std::string OfEnum(TypeReader type, uint16_t number) const;
  std::string OfStruct(const StructModel& model, capnp::DynamicStruct::Reader value) const;
  // {.field = value, ...}: the fields that differ from their defaults.
  std::string Designated(const StructModel& model, capnp::DynamicStruct::Reader value) const;
  // Statements that assign to `target` the fields that differ from their defaults.
  std::string Assignments(const StructModel& model, capnp::DynamicStruct::Reader value,
                          const std::string& target) const;

  const SchemaIndex& index_;
  const CppTypes& types_;
  const StructModels& models_;
};

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_LITERALS_H_
