// Declarations of enums, structs and constants in a generated header.
#ifndef DROVER_CODEGEN_VALUE_HEADER_H_
#define DROVER_CODEGEN_VALUE_HEADER_H_

#include "code_writer.h"
#include "file_plan.h"

namespace drover::codegen {

void WriteEnum(FilePlan& plan, uint64_t enum_id, CodeWriter& out);
void WriteStruct(FilePlan& plan, const StructModel& model, CodeWriter& out);
// struct Worker, which holds what is declared inside interface Worker.
void WriteInterfaceScope(FilePlan& plan, uint64_t interface_id, CodeWriter& out);
// The constants declared directly in a scope: a file, struct or interface.
void WriteConstants(FilePlan& plan, uint64_t scope, CodeWriter& out);
// drover::Codec of a struct.
void WriteCodecDeclaration(FilePlan& plan, const StructModel& model, CodeWriter& out);

// True for constants that are functions, since they need memory.
bool IsFunctionConstant(NodeReader constant);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_VALUE_HEADER_H_
