// One way of doing the work that is measured. Each has a file; main.cc lists them.
#ifndef DROVER_BENCHMARKS_COMMON_CONTENDER_H_
#define DROVER_BENCHMARKS_COMMON_CONTENDER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/sample.h"

namespace drover::bench {

enum class Work {
  kNullCall,          // blocking calculate(7), one after another
  kInFlight,          // calculate(7) with 128 always in flight, from one thread on one connection
  kThreads,           // blocking calculate(7) from 8 threads, each with a connection
  kSharedConnection,  // the same, all on one connection
  kEcho64KiB,
  kEcho1MiB,
  kOneWay,   // calls without an answer, batched where there is a way to; all have run in the end
  kConnect,  // a new connection and its first calculate(7), one after another
  kIdle,     // what connections cost that are open and do nothing; done by Hold, not by Run
};
inline constexpr Work kAllWork[] = {Work::kNullCall,         Work::kInFlight,  Work::kThreads,
                                    Work::kSharedConnection, Work::kEcho64KiB, Work::kEcho1MiB,
                                    Work::kOneWay,           Work::kConnect,   Work::kIdle};
// The name of a work on the command line: null, in-flight, threads, shared, echo-64k, echo-1m,
// one-way, connect, idle.
std::string Name(Work work);
std::optional<Work> WorkNamed(const std::string& name);

inline constexpr int kWindow = 128;
inline constexpr int kThreadCount = 8;
inline constexpr int kOneWayTurn = 10000;  // calls without an answer before one that has one

inline bool IsEcho(Work work) { return work == Work::kEcho64KiB || work == Work::kEcho1MiB; }
inline size_t EchoBytes(Work work) { return work == Work::kEcho64KiB ? 64 << 10 : 1 << 20; }

// Which CPUs server and client may use: the same two (one, if there is but one), or the same one.
enum class Placement { kTwoCpus, kOneCpu };
std::string Name(Placement placement);

// What a contender is to Drover: the least that the machine takes, somebody else's, Drover itself.
enum class Kind { kBare, kPeer, kDrover };

class Contender {
 public:
  virtual ~Contender() = default;

  virtual std::string name() const = 0;
  virtual Kind kind() const { return Kind::kPeer; }
  // Its version, transport and tuning, in a few words for the report.
  virtual std::string how() const = 0;

  // Whether it has a way of its own to do this; what it has not is left blank in the table.
  virtual bool Does(Work work, Placement placement) const = 0;

  // Serves at a UNIX socket until the process is killed. Called in a process of its own that has
  // one thread; calls `ready` once clients can connect. Returns only if it fails.
  virtual absl::Status Serve(const std::string& socket, const std::function<void()>& ready) = 0;

  // Does the work, which is not kIdle, for that long, checking the answers. Called in a process of
  // its own, too.
  virtual absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) = 0;

  // For kIdle: opens that many connections, makes a call on each, calls `open` and keeps them open,
  // doing nothing, until the process is killed. Called and returns as Serve.
  virtual absl::Status Hold(const std::string& socket, int connections,
                            const std::function<void()>& open);
};

// For Hold, when all are open.
[[noreturn]] void SleepUntilKilled();

// drover_contender.cc and peers/.
std::vector<std::unique_ptr<Contender>> DroverContenders();
std::vector<std::unique_ptr<Contender>> RawSocketContenders();
std::unique_ptr<Contender> SharedMemoryContender();
std::unique_ptr<Contender> CapnpContender();

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_CONTENDER_H_
