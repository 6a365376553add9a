#include "drover/group/combined_error.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"

namespace drover::group {
namespace {

constexpr size_t kMostNamed = 5;

}  // namespace

absl::Status CombinedError(const std::vector<Failure>& failures, size_t total) {
  if (failures.empty()) return absl::OkStatus();
  if (total == 1) return failures.front().status;
  auto worst = std::find_if(failures.begin(), failures.end(), [](const Failure& failure) {
    return !absl::IsUnavailable(failure.status);
  });
  if (worst == failures.end()) worst = failures.begin();
  std::string message = absl::StrCat(failures.size(), " of ", total, " failed:");
  for (size_t i = 0; i < std::min(failures.size(), kMostNamed); ++i) {
    const absl::Status& status = failures[i].status;
    absl::StrAppend(&message, i == 0 ? " [" : "; [", failures[i].index, "] ",
                    absl::StatusCodeToString(status.code()), ": ", status.message());
  }
  if (failures.size() > kMostNamed) {
    absl::StrAppend(&message, "; and ", failures.size() - kMostNamed, " more");
  }
  return absl::Status(worst->status.code(), message);
}

}  // namespace drover::group
