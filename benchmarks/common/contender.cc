#include "common/contender.h"

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
  }
  return "unknown";
}

std::string Name(Placement placement) {
  return placement == Placement::kTwoCpus ? "two CPUs" : "one CPU";
}

}  // namespace drover::bench
