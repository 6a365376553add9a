#include "common/contender.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace drover::bench {

std::string Name(Work work) {
  switch (work) {
    case Work::kNullCall:
      return "null";
    case Work::kInFlight:
      return "in-flight";
    case Work::kThreads:
      return "threads";
    case Work::kSharedConnection:
      return "shared";
    case Work::kEcho64KiB:
      return "echo-64k";
    case Work::kEcho1MiB:
      return "echo-1m";
    case Work::kOneWay:
      return "one-way";
    case Work::kConnect:
      return "connect";
    case Work::kIdle:
      return "idle";
  }
  return "unknown";
}

std::optional<Work> WorkNamed(const std::string& name) {
  const auto* found = std::find_if(std::begin(kAllWork), std::end(kAllWork),
                                   [&](Work work) { return Name(work) == name; });
  if (found == std::end(kAllWork)) return std::nullopt;
  return *found;
}

std::string Name(Placement placement) {
  return placement == Placement::kTwoCpus ? "two CPUs" : "one CPU";
}

absl::Status Contender::Hold(const std::string&, int, const std::function<void()>&) {
  return absl::UnimplementedError(name() + " has no way to hold connections open");
}

void SleepUntilKilled() {
  for (;;) pause();
}

}  // namespace drover::bench
