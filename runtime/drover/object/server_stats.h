// What a server has done since it started, and what it holds now: Server::Stats, NodeProxy::Stats.
//
// A value; thread-compatible.
#ifndef DROVER_OBJECT_SERVER_STATS_H_
#define DROVER_OBJECT_SERVER_STATS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace drover {

struct MethodStats {
  std::string name;    // "Worker.calculate"
  uint64_t calls = 0;  // answered
  // Those of them that failed. How a call ends that went back to an object of its caller's own is
  // known to the caller alone, if that is Drover: it counts as one that did not fail.
  uint64_t errors = 0;
  // Calls by the time from their start to their answer: element i counts those that took less than
  // 2^i microseconds and not less than 2^(i-1). No zeros at the end. Of several that came at once
  // and are so quick that one thread runs them in a row, one starts when the one before it has
  // been answered.
  std::vector<uint64_t> latency;

  // What at least `share` (0 to 1) of the calls did not exceed, as far as the histogram can tell:
  // an upper bound, within a factor of two. Zero if there were no calls.
  absl::Duration LatencyQuantile(double share) const;

  bool operator==(const MethodStats&) const = default;
};

// A connection's tables, as Cap'n Proto names them.
struct ConnectionStats {
  std::string peer;
  uint32_t questions = 0;   // calls of ours that are not over
  uint32_t answers = 0;     // the peer's
  uint32_t exports = 0;     // our objects that the peer refers to
  uint32_t imports = 0;     // the peer's objects that we refer to
  uint64_t call_bytes = 0;  // of the peer's calls: what counts towards Limits::max_call_bytes
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  bool shares_memory = false;  // it has gone over from its socket to shared memory

  bool operator==(const ConnectionStats&) const = default;
};

struct ServerStats {
  // One for each method that was called, by name. Calls of what an object does not have count as
  // "(unimplemented)"; past 1,000 methods the rest count as "(others)".
  std::vector<MethodStats> methods;
  std::vector<ConnectionStats> connections;

  bool operator==(const ServerStats&) const = default;
};

}  // namespace drover

#endif  // DROVER_OBJECT_SERVER_STATS_H_
