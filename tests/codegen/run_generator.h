// Runs the compiler with capnpc-drover on schemas, as a build does.
#ifndef DROVER_TESTS_CODEGEN_RUN_GENERATOR_H_
#define DROVER_TESTS_CODEGEN_RUN_GENERATOR_H_

#include <map>
#include <string>
#include <vector>

namespace drover {

struct GeneratorRun {
  int exit_code = -1;
  std::string errors;                        // standard error
  std::map<std::string, std::string> files;  // what was written, by path in the output folder
};

// `schemas`: paths relative to `folder`, which is a folder of tests/codegen or an absolute path.
GeneratorRun RunGenerator(const std::string& folder, const std::vector<std::string>& schemas);

// A value that the build passes in the environment; the test fails without it.
std::string TestEnvironment(const char* name);

// A folder of its own, removed with everything in it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace drover

#endif  // DROVER_TESTS_CODEGEN_RUN_GENERATOR_H_
