#include "drover/annotations.capnp.h"
#include "drover/base/log.h"

int main() {
  int lines = 0;
  drover::SetLogSink([&lines](drover::LogSeverity, std::string_view) { ++lines; });
  DROVER_LOG(kError) << "an installed library that writes a line";
  return lines == 1 ? 0 : 1;
}
