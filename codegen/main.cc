// capnpc-drover: a plugin of the `capnp` compiler that writes Drover's C++ for a schema.
//
//   capnp compile -odrover:out x/race.capnp    ->  out/x/race.drover.h, out/x/race.drover.cc,
//                                                    out/x/race.drover_mock.h
//
// Reads a CodeGeneratorRequest from standard input and writes into the current directory. Says what
// is wrong with the schema on standard error, a line each, and exits 1, having written nothing.
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <string>

#include "file_plan.h"
#include "header_file.h"
#include "mock_file.h"
#include "schema_checks.h"
#include "schema_index.h"
#include "source_file.h"

namespace drover::codegen {
namespace {

bool WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (out.good()) return true;
  std::cerr << path.string() << ": cannot be written\n";
  return false;
}

int Run() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = std::numeric_limits<uint64_t>::max();
  options.nestingLimit = 1024;
  capnp::StreamFdMessageReader message(0, options);
  const auto request = message.getRoot<capnp::schema::CodeGeneratorRequest>();
  const SchemaIndex index(request);

  bool sound = true;
  for (auto file : request.getRequestedFiles()) {
    for (const std::string& problem : CheckFile(index, file.getId())) {
      std::cerr << problem << "\n";
      sound = false;
    }
  }
  if (!sound) return 1;

  std::map<std::string, std::string> files;
  for (auto file : request.getRequestedFiles()) {
    FilePlan plan(index, file);
    files[plan.OutputPath(".drover.h")] = HeaderFile(plan);
    files[plan.OutputPath(".drover.cc")] = SourceFile(plan);
    files[plan.OutputPath(".drover_mock.h")] = MockFile(plan);
  }
  for (const auto& [path, text] : files) {
    if (!WriteFile(path, text)) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace drover::codegen

int main() {
  try {
    return drover::codegen::Run();
  } catch (const kj::Exception& e) {
    std::cerr << "capnpc-drover: not a code generator request: " << e.getDescription().cStr()
              << "\n";
  } catch (const std::exception& e) {
    std::cerr << "capnpc-drover: " << e.what() << "\n";
  }
  return 1;
}
