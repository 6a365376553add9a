// The end of main().
//
//   int main() {
//     absl::StatusOr<drover::Server> server = drover::Serve(...);
//     if (!server.ok()) return drover::ExitWith(server.status());
//     ...
//   }
//
// Returns 0 for OK; otherwise writes the status to standard error, behind the program's name, and
// returns 1. Thread-safe; never blocks, but for the write.
#ifndef DROVER_BASE_EXIT_WITH_H_
#define DROVER_BASE_EXIT_WITH_H_

#include "absl/status/status.h"

namespace drover {

int ExitWith(const absl::Status& status);

}  // namespace drover

#endif  // DROVER_BASE_EXIT_WITH_H_
