// A directory of its own for one test, removed with what is in it.
//
//   TempDir dir;
//   Endpoint endpoint = *Endpoint::Parse("unix://" + dir.path("w.sock"));
#ifndef DROVER_TESTS_SUPPORT_TEMP_DIR_H_
#define DROVER_TESTS_SUPPORT_TEMP_DIR_H_

#include <stdlib.h>

#include <filesystem>
#include <set>
#include <string>
#include <system_error>

namespace drover::testing_support {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "drover-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) abort();
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;  // a leftover in the temporary directory fails no test
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

 private:
  std::string path_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_TEMP_DIR_H_
