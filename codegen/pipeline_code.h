// Classes that reach the objects inside a struct before it is there: CarPipeline for struct Car,
// and how they find them once it is.
#ifndef DROVER_CODEGEN_PIPELINE_CODE_H_
#define DROVER_CODEGEN_PIPELINE_CODE_H_

#include "code_writer.h"
#include "file_plan.h"

namespace drover::codegen {

// Whether a struct holds a proxy in a field of its own, of a group, or of a struct in a field; not
// in lists and unions.
bool HasPipeline(const SchemaIndex& index, uint64_t struct_id);

// For structs that have one; nothing for others.
void WritePipelineClass(FilePlan& plan, const StructModel& model, CodeWriter& out);
void WritePipelineTraits(const FilePlan& plan, const StructModel& model, CodeWriter& out);
void WritePipelineMembers(const FilePlan& plan, const StructModel& model, CodeWriter& out);
void WritePipelineCollect(const FilePlan& plan, const StructModel& model, CodeWriter& out);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_PIPELINE_CODE_H_
