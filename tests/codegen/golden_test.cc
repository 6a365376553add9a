// What the generator writes is compared with golden/ to the byte. After an intended change run this
// program with DROVER_UPDATE_GOLDEN=1 in the environment and review the difference.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "codegen/run_generator.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

void ExpectGolden(const std::vector<std::string>& schemas) {
  const GeneratorRun run = RunGenerator("schemas", schemas);
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  ASSERT_EQ(run.files.size(), 4 * schemas.size());
  const std::filesystem::path golden =
      std::filesystem::path(TestEnvironment("CODEGEN_TEST_DIR")) / "golden";
  for (const auto& [path, text] : run.files) {
    if (getenv("DROVER_UPDATE_GOLDEN") != nullptr) {
      std::filesystem::create_directories((golden / path).parent_path());
      std::ofstream(golden / path, std::ios::binary) << text;
    }
    std::ifstream in(golden / path, std::ios::binary);
    std::stringstream expected;
    expected << in.rdbuf();
    EXPECT_EQ(text, expected.str()) << "golden/" << path << " differs";
  }
}

TEST(Golden, TheRace) { ExpectGolden({"race.capnp"}); }
TEST(Golden, EverythingASchemaCanSay) { ExpectGolden({"everything.capnp", "parts/wheel.capnp"}); }
TEST(Golden, ObjectsInResults) { ExpectGolden({"garage.capnp"}); }
TEST(Golden, StreamingMethods) { ExpectGolden({"sink.capnp"}); }
TEST(Golden, Keywords) { ExpectGolden({"keywords.capnp"}); }
TEST(Golden, RareCorners) { ExpectGolden({"corners/corners.capnp"}); }

TEST(Generator, WritesTheSameWhateverElseIsRequested) {
  const GeneratorRun alone = RunGenerator("schemas", {"everything.capnp"});
  const GeneratorRun together =
      RunGenerator("schemas", {"keywords.capnp", "parts/wheel.capnp", "everything.capnp"});
  ASSERT_EQ(alone.exit_code, 0) << alone.errors;
  ASSERT_EQ(together.exit_code, 0) << together.errors;
  for (const auto& [path, text] : alone.files) EXPECT_EQ(text, together.files.at(path)) << path;
}

TEST(Generator, IncludesNoRpcForValuesAlone) {
  const GeneratorRun run = RunGenerator("schemas", {"evolution_old.capnp"});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  for (const auto& [path, text] : run.files) {
    for (const char* header : {"generated.h", "proxy.h", "servant.h", "future.h"}) {
      EXPECT_EQ(text.find(header), std::string::npos) << path << " includes " << header;
    }
  }
}

TEST(Generator, KeepsLinesToAHundredColumns) {
  const GeneratorRun run = RunGenerator("schemas", {"everything.capnp"});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  for (const auto& [path, text] : run.files) {
    std::stringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

}  // namespace
}  // namespace drover
