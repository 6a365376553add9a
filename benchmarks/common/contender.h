// One way of doing the work that is measured. Each has a file; main.cc lists them.
#ifndef DROVER_BENCHMARKS_COMMON_CONTENDER_H_
#define DROVER_BENCHMARKS_COMMON_CONTENDER_H_

#include <functional>
#include <memory>
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
};
inline constexpr Work kAllWork[] = {Work::kNullCall,         Work::kInFlight,  Work::kThreads,
                                    Work::kSharedConnection, Work::kEcho64KiB, Work::kEcho1MiB};
// The name of a work on the command line: null, in-flight, threads, shared, echo-64k, echo-1m.
std::string Name(Work work);

inline constexpr int kWindow = 128;
inline constexpr int kThreadCount = 8;

inline size_t EchoBytes(Work work) { return work == Work::kEcho64KiB ? 64 << 10 : 1 << 20; }

// Which CPUs server and client may use: the same two (one, if there is but one), or the same one.
enum class Placement { kTwoCpus, kOneCpu };
std::string Name(Placement placement);

class Contender {
 public:
  virtual ~Contender() = default;

  virtual std::string name() const = 0;

  // Whether it has a way of its own to do this; what it has not is left blank in the table.
  virtual bool Does(Work work, Placement placement) const = 0;

  // Serves at a UNIX socket until the process is killed. Called in a process of its own that has
  // one thread; calls `ready` once clients can connect. Returns only if it fails.
  virtual absl::Status Serve(const std::string& socket, const std::function<void()>& ready) = 0;

  // Does the work for that long, checking the answers. Called in a process of its own, too.
  virtual absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) = 0;
};

// drover_contender.cc and peers/.
std::vector<std::unique_ptr<Contender>> DroverContenders();
std::vector<std::unique_ptr<Contender>> RawSocketContenders();
std::unique_ptr<Contender> CapnpContender();

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_CONTENDER_H_
