// null_calls: the client and the server of a blocking null call, each a process that does nothing
// else, so that their instructions can be counted. scripts/instructions runs it under callgrind.
//
//   null_calls serve SOCKET           prints "ready", serves until its standard input ends
//   null_calls call SOCKET COUNT      makes so many calls, one after another
//   null_calls connect SOCKET COUNT   the same, each on a connection of its own
//   null_calls beside SOCKET COUNT NUMBER   the same: alone, beside NUMBER idle connections, and
//                                     beside NUMBER exported objects, too; five times each
//
// With `beside` both processes begin without counting (--instr-atstart=no), count around those
// calls alone, and dump after each COUNT of them, under the name that kSettings has.
//
// Ends with 0, with 1 and a message if a call fails, with 2 if it is called in another way.
#ifdef DROVER_BENCH_CALLGRIND
#include <valgrind/callgrind.h>
#endif
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "bench.drover.h"
#include "drover/base/status_macros.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"

namespace drover::bench {
namespace {

using ::bench::BenchProxy;

constexpr const char* kSettings[] = {"alone", "connections", "objects"};
constexpr int kDumps = 5;  // of each: where a timer came between, another has the count

// What a process does about its count: dumps it for a setting, or one of these.
constexpr uint32_t kBegin = std::size(kSettings), kEnd = kBegin + 1;

absl::Status Count([[maybe_unused]] uint32_t what) {
#ifdef DROVER_BENCH_CALLGRIND
  if (what == kBegin) {
    CALLGRIND_START_INSTRUMENTATION;
  } else if (what == kEnd) {
    CALLGRIND_STOP_INSTRUMENTATION;
  } else {
    CALLGRIND_DUMP_STATS_AT(kSettings[what]);
  }
  return absl::OkStatus();
#else
  return absl::UnimplementedError(
      "built without valgrind/callgrind.h, which 'scripts/setup --ci' installs: build anew");
#endif
}

class Servant final : public ::bench::BenchServant {
 public:
  absl::StatusOr<uint32_t> Calculate(uint32_t x) override { return x + 1; }
  absl::StatusOr<BenchProxy> Another() override { return BenchProxy(std::make_shared<Servant>()); }
  absl::Status Note(uint32_t what) override { return Count(what); }
};

absl::Status ServeUntilInputEnds(const std::string& socket) {
  Limits limits;
  limits.max_connections = 100'000;
  DROVER_ASSIGN_OR_RETURN(Server server,
                          drover::Serve("unix://" + socket, std::make_shared<Servant>(),
                                        ServerOptions{.limits = limits}));
  std::cout << "ready" << std::endl;
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR) {
  }
  return absl::OkStatus();
}

absl::Status MakeCall(const BenchProxy& bench) {
  DROVER_ASSIGN_OR_RETURN(const uint32_t answer, bench.Calculate(7));
  return answer == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
}

absl::Status MakeCalls(const BenchProxy& bench, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) DROVER_RETURN_IF_ERROR(MakeCall(bench));
  return absl::OkStatus();
}

BenchProxy ConnectTo(const std::string& socket) {
  return Connect<BenchProxy>("unix://" + socket, {.shared_memory = false});
}

// In the server first: what a process counts of this is the same in each setting.
absl::Status CountAtBothEnds(const BenchProxy& bench, uint32_t what) {
  DROVER_RETURN_IF_ERROR(bench.Note(what));
  return Count(what);
}

absl::Status MakeCallsBeside(const std::string& socket, uint64_t count, uint64_t number) {
  const BenchProxy bench = ConnectTo(socket);
  std::vector<BenchProxy> others;
  for (uint32_t setting = 0; setting < std::size(kSettings); ++setting) {
    for (uint64_t i = 0; setting == 1 && i < number; ++i) {
      others.push_back(ConnectTo(socket));
      DROVER_RETURN_IF_ERROR(MakeCall(others.back()));
    }
    for (uint64_t i = 0; setting == 2 && i < number; ++i) {
      DROVER_ASSIGN_OR_RETURN(BenchProxy object, bench.Another());
      others.push_back(std::move(object));
    }
    DROVER_RETURN_IF_ERROR(CountAtBothEnds(bench, kBegin));
    for (int dump = 0; dump < kDumps; ++dump) {
      DROVER_RETURN_IF_ERROR(MakeCalls(bench, count));
      DROVER_RETURN_IF_ERROR(CountAtBothEnds(bench, setting));
    }
    DROVER_RETURN_IF_ERROR(CountAtBothEnds(bench, kEnd));
  }
  return absl::OkStatus();
}

absl::Status MakeConnections(const std::string& socket, uint64_t count) {
  const std::string endpoint = "unix://" + socket;
  for (uint64_t i = 0; i < count; ++i) {
    DROVER_RETURN_IF_ERROR(MakeCall(Connect<BenchProxy>(endpoint)));
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  absl::Status status;
  uint64_t count = 0, number = 0;
  const bool counted = argc >= 4 && absl::SimpleAtoi(argv[3], &count);
  if (what == "call" && argc == 4 && counted) {
    status = MakeCalls(ConnectTo(argv[2]), count);
  } else if (what == "connect" && argc == 4 && counted) {
    status = MakeConnections(argv[2], count);
  } else if (what == "beside" && argc == 5 && counted && absl::SimpleAtoi(argv[4], &number)) {
    status = MakeCallsBeside(argv[2], count, number);
  } else if (what == "serve" && argc == 3) {
    status = ServeUntilInputEnds(argv[2]);
  } else {
    std::cerr << "usage: null_calls serve SOCKET | null_calls call|connect SOCKET COUNT | "
                 "null_calls beside SOCKET COUNT NUMBER\n";
    return 2;
  }
  if (!status.ok()) std::cerr << "null_calls: " << status << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) { return drover::bench::Main(argc, argv); }
