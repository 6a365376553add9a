// C++ statements that move fields between values and Cap'n Proto messages.
#ifndef DROVER_CODEGEN_FIELD_CODE_H_
#define DROVER_CODEGEN_FIELD_CODE_H_

#include <set>
#include <string>

#include "code_writer.h"
#include "cpp_types.h"
#include "schema_index.h"
#include "struct_model.h"

namespace drover::codegen {

class FieldCode {
 public:
  // Statements go to `out`, types are named as `types` does; `drover` is the prefix of Drover's own
  // names there ("drover::", or nothing inside namespace drover).
  FieldCode(const SchemaIndex& index, const CppTypes& types, std::string drover, CodeWriter& out)
      : index_(index), types_(types), drover_(std::move(drover)), out_(out) {}

  // From the struct `value` to the Builder `builder`, and from the Reader `reader` to `value`.
  void WriteStruct(const StructModel& model, const std::string& value, const std::string& builder);
  void ReadStruct(const StructModel& model, const std::string& value, const std::string& reader);

  // One field that is in no union, held in the expression `value`.
  void WriteField(const StructModel::Member& member, const std::string& value,
                  const std::string& builder);
  void ReadField(const StructModel::Member& member, const std::string& value,
                 const std::string& reader);
  // A scalar without a default value, to the drover::object::PlainStruct `plain`.
  void WritePlain(const StructModel::Member& member, const std::string& value,
                  const std::string& plain);

  // Parameters named like the variables of these statements would be hidden by them.
  static const std::set<std::string>& LocalNames();

  // What a field holds as an expression, or nothing where it takes statements to read it.
  std::string ReadExpression(const StructModel::Member& member, const std::string& reader) const;

 private:
  std::string ElementExpression(TypeReader type, const std::string& element) const;
  void WriteUnion(const StructModel& model, const std::string& value, const std::string& builder);
  void ReadUnion(const StructModel& model, const std::string& value, const std::string& reader);
  void WriteAlternative(const StructModel& model, const StructModel::Member& member,
                        const std::string& value, const std::string& builder);
  void ReadAlternative(const StructModel::Member& member, const std::string& value,
                       const std::string& reader);
  // `init`: the call that makes the list, ending in an open parenthesis before its size.
  void WriteList(TypeReader element, const std::string& value, const std::string& init, int depth);
  // The statement that fills a Text or Data; `init` likewise.
  std::string CopyBlob(TypeReader type, const std::string& value, const std::string& init) const;
  void WriteElement(TypeReader type, const std::string& value, const std::string& list,
                    const std::string& i, int depth);
  void ReadList(TypeReader element, const std::string& value, const std::string& list, int depth);
  void ReadElement(TypeReader type, const std::string& value, const std::string& element);

  std::string Object(std::string_view name) const {
    return drover_ + "object::" + std::string(name);
  }
  std::string Codec(TypeReader type) const { return drover_ + "Codec<" + types_.Value(type) + ">"; }
  std::string PointerAt(const std::string& fields, FieldReader field) const;

  const SchemaIndex& index_;
  const CppTypes& types_;
  const std::string drover_;
  CodeWriter& out_;
};

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_FIELD_CODE_H_
