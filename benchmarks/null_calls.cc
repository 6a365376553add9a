// null_calls: the client and the server of a blocking null call, each a process that does nothing
// else, so that their instructions can be counted. scripts/instructions runs it under callgrind.
//
//   null_calls serve SOCKET           prints "ready", serves until its standard input ends
//   null_calls call SOCKET COUNT      makes so many calls, one after another
//   null_calls connect SOCKET COUNT   the same, each on a connection of its own
//
// Ends with 0, with 1 and a message if a call fails, with 2 if it is called in another way.
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "bench.drover.h"
#include "drover/base/status_macros.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"

namespace drover::bench {
namespace {

class Servant final : public ::bench::BenchServant {
 public:
  absl::StatusOr<uint32_t> Calculate(uint32_t x) override { return x + 1; }
};

absl::Status ServeUntilInputEnds(const std::string& socket) {
  DROVER_ASSIGN_OR_RETURN(Server server,
                          drover::Serve("unix://" + socket, std::make_shared<Servant>()));
  std::cout << "ready" << std::endl;
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR) {
  }
  return absl::OkStatus();
}

absl::Status MakeCall(const ::bench::BenchProxy& bench) {
  DROVER_ASSIGN_OR_RETURN(const uint32_t answer, bench.Calculate(7));
  return answer == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
}

absl::Status MakeCalls(const std::string& socket, uint64_t count) {
  const auto bench = Connect<::bench::BenchProxy>("unix://" + socket, {.shared_memory = false});
  for (uint64_t i = 0; i < count; ++i) DROVER_RETURN_IF_ERROR(MakeCall(bench));
  return absl::OkStatus();
}

absl::Status MakeConnections(const std::string& socket, uint64_t count) {
  const std::string endpoint = "unix://" + socket;
  for (uint64_t i = 0; i < count; ++i) {
    DROVER_RETURN_IF_ERROR(MakeCall(Connect<::bench::BenchProxy>(endpoint)));
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  absl::Status status;
  if (uint64_t count; what == "call" && argc == 4 && absl::SimpleAtoi(argv[3], &count)) {
    status = MakeCalls(argv[2], count);
  } else if (what == "connect" && argc == 4 && absl::SimpleAtoi(argv[3], &count)) {
    status = MakeConnections(argv[2], count);
  } else if (what == "serve" && argc == 3) {
    status = ServeUntilInputEnds(argv[2]);
  } else {
    std::cerr << "usage: null_calls serve SOCKET | null_calls call|connect SOCKET COUNT\n";
    return 2;
  }
  if (!status.ok()) std::cerr << "null_calls: " << status << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) { return drover::bench::Main(argc, argv); }
