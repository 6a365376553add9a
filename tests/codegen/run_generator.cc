#include "codegen/run_generator.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "gtest/gtest.h"

extern char** environ;

namespace drover {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

int Spawn(const std::vector<std::string>& command, const std::string& stderr_path) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  // The compiler warns of a PWD that is not its folder.
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("PWD=")) environment.push_back(*variable);
  }
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, stderr_path.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t child = -1;
  const int spawned =
      posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  int status = -1;
  if (spawned != 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace

std::string TestEnvironment(const char* name) {
  const char* value = getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set; run the test through ctest";
  return value != nullptr ? value : "";
}

TempDir::TempDir() {
  std::string pattern = testing::TempDir() + "/drover_codegen_XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

GeneratorRun RunGenerator(const std::string& folder, const std::vector<std::string>& schemas) {
  const std::filesystem::path root =
      std::filesystem::path(TestEnvironment("CODEGEN_TEST_DIR")) / folder;
  TempDir temp;
  const std::string out = temp.path() + "/out";
  std::filesystem::create_directory(out);
  std::vector<std::string> command = {TestEnvironment("CAPNP"), "compile",
                                      "-o" + TestEnvironment("CAPNPC_DROVER") + ":" + out,
                                      "--src-prefix=" + root.string()};
  std::stringstream imports(TestEnvironment("CAPNP_IMPORTS"));
  for (std::string dir; std::getline(imports, dir, ':');) command.push_back("-I" + dir);
  for (const std::string& schema : schemas) command.push_back((root / schema).string());

  GeneratorRun run;
  run.exit_code = Spawn(command, temp.path() + "/errors");
  run.errors = ReadFile(temp.path() + "/errors");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
    if (!entry.is_regular_file()) continue;
    run.files[std::filesystem::relative(entry.path(), out).string()] = ReadFile(entry.path());
  }
  return run;
}

}  // namespace drover
