// capnpc-drover: a plugin of the `capnp` compiler that writes Drover's C++ for a schema.
//
//   capnp compile -odrover:out x/race.capnp    ->  out/x/race.drover.h, out/x/race.drover.cc
//
// Reads a CodeGeneratorRequest from standard input and writes into the current directory. Says what
// is wrong with the schema on standard error, a line each, and exits 1, having written nothing.
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <string>

#include "generator.h"

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
  const Generated generated = Generate(message.getRoot<capnp::schema::CodeGeneratorRequest>());
  for (const std::string& problem : generated.problems) std::cerr << problem << "\n";
  if (!generated.problems.empty()) return 1;
  for (const auto& [path, text] : generated.files) {
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
  }
  return 1;
}
