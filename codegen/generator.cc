#include "generator.h"

#include <kj/exception.h>

#include <exception>
#include <utility>

#include "file_plan.h"
#include "header_file.h"
#include "mock_file.h"
#include "request_checks.h"
#include "schema_checks.h"
#include "schema_index.h"
#include "source_file.h"
#include "zero_copy_file.h"

namespace drover::codegen {
namespace {

Generated GenerateOrThrow(capnp::schema::CodeGeneratorRequest::Reader request) {
  Generated generated;
  for (const std::string& problem : CheckRequest(request)) {
    generated.problems.push_back("capnpc-drover: not a code generator request: " + problem);
  }
  if (!generated.problems.empty()) return generated;
  const SchemaIndex index(request);
  for (auto file : request.getRequestedFiles()) {
    for (std::string& problem : CheckFile(index, file.getId())) {
      generated.problems.push_back(std::move(problem));
    }
  }
  if (!generated.problems.empty()) return generated;
  for (auto file : request.getRequestedFiles()) {
    FilePlan plan(index, file);
    generated.files[plan.OutputPath(".drover.h")] = HeaderFile(plan);
    generated.files[plan.OutputPath(".drover.cc")] = SourceFile(plan);
    generated.files[plan.OutputPath(".drover_mock.h")] = MockFile(plan);
    generated.files[plan.OutputPath(".drover_zero_copy.h")] = ZeroCopyFile(plan);
  }
  return generated;
}

}  // namespace

Generated Generate(capnp::schema::CodeGeneratorRequest::Reader request) {
  try {
    return GenerateOrThrow(request);
  } catch (const kj::Exception& e) {
    return {.files = {},
            .problems = {std::string("capnpc-drover: not a code generator request: ") +
                         e.getDescription().cStr()}};
  } catch (const std::exception& e) {
    return {.files = {}, .problems = {std::string("capnpc-drover: ") + e.what()}};
  }
}

}  // namespace drover::codegen
