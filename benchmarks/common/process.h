// Server and client each in a process of their own, on chosen CPUs.
//
// The functions block; they may be called while this process has one thread. No child outlives it.
#ifndef DROVER_BENCHMARKS_COMMON_PROCESS_H_
#define DROVER_BENCHMARKS_COMMON_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/sample.h"

namespace drover::bench {

// The CPUs this process may use, lowest first.
std::vector<int> AllowedCpus();

// A forked process that serves, or holds connections open; killed by the destructor.
class ServerProcess {
 public:
  // Runs `serve(ready)` in a new process on `cpus`, and waits until it calls `ready`. Internal if
  // it ends before, DeadlineExceeded if it takes longer than a minute.
  static absl::StatusOr<ServerProcess> Start(
      const std::vector<int>& cpus,
      const std::function<absl::Status(const std::function<void()>& ready)>& serve);

  ServerProcess(ServerProcess&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  ServerProcess& operator=(ServerProcess&&) = delete;
  ~ServerProcess();

  pid_t pid() const { return pid_; }

 private:
  explicit ServerProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

// Runs `measure` in a new process on `cpus` and returns what it returned. DeadlineExceeded if it
// takes longer than five minutes, Internal if the process ended in another way.
absl::StatusOr<Sample> RunInProcess(const std::vector<int>& cpus,
                                    const std::function<absl::StatusOr<Sample>()>& measure);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_PROCESS_H_
