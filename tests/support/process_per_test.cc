// A main() that runs each test in a process of its own, for tests that must begin in a process
// with one thread, as fleets do. Link it as a source of the test. Under --gtest_filter all that is
// selected runs in this process, as usual.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

bool PassesAlone(const std::string& program, const std::string& test) {
  std::string name = program;
  std::string filter = "--gtest_filter=" + test;
  std::string brief = "--gtest_brief=1";
  char* const arguments[] = {name.data(), filter.data(), brief.data(), nullptr};
  pid_t pid;
  if (posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, arguments, environ) != 0) return false;
  int status = 0;
  while (waitpid(pid, &status, 0) != pid && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (GTEST_FLAG_GET(filter) != "*" || GTEST_FLAG_GET(list_tests)) return RUN_ALL_TESTS();

  std::vector<std::string> failed;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const std::string test = std::string(suite.name()) + "." + suite.GetTestInfo(j)->name();
      const bool passed = PassesAlone(argv[0], test);
      std::printf("%s %s\n", passed ? "[       OK ]" : "[  FAILED  ]", test.c_str());
      std::fflush(stdout);
      if (!passed) failed.push_back(test);
    }
  }
  std::printf("%d tests ran, %zu failed\n", all.total_test_count(), failed.size());
  return failed.empty() && all.total_test_count() > 0 ? 0 : 1;
}
