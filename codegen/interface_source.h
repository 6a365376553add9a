// Definitions of proxies and servants in a generated source file.
#ifndef DROVER_CODEGEN_INTERFACE_SOURCE_H_
#define DROVER_CODEGEN_INTERFACE_SOURCE_H_

#include "code_writer.h"
#include "file_plan.h"

namespace drover::codegen {

// What the members of proxies and servants share: the table of methods, and functions that move
// parameters and results. For an unnamed namespace.
void WriteMethodTable(const InterfaceModel& model, CodeWriter& out);
void WriteMessageFunctions(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out);

void WriteProxyMembers(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out);
void WriteServantMembers(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_INTERFACE_SOURCE_H_
