// Declarations of proxies and servants in a generated header.
#ifndef DROVER_CODEGEN_INTERFACE_HEADER_H_
#define DROVER_CODEGEN_INTERFACE_HEADER_H_

#include "code_writer.h"
#include "file_plan.h"

namespace drover::codegen {

// WorkerProxy and WorkerProxy::Async.
void WriteProxies(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out);
// WorkerServant and WorkerAsyncServant.
void WriteServants(const FilePlan& plan, const InterfaceModel& model, CodeWriter& out);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_INTERFACE_HEADER_H_
