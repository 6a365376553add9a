#include "drover/base/exit_with.h"

#include <errno.h>

#include <iostream>

namespace drover {

int ExitWith(const absl::Status& status) {
  if (status.ok()) return 0;
  std::cerr << program_invocation_short_name << ": " << status << std::endl;
  return 1;
}

}  // namespace drover
