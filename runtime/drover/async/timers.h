// Tasks to be run at a time, such as the end of a call whose deadline has passed.
//
//   uint64_t id = timers.Add(deadline, [state] { state->Expire(); });
//   ...
//   timers.Remove(id);          // it was not needed
//
// Thread-safe. Add and Remove never block for long; the thread that runs the tasks is started by
// the first Add. Tasks run one after the other and must be quick, and no user code: what takes
// longer goes to the pool. Remove does not wait for a task that has begun.
#ifndef DROVER_ASYNC_TIMERS_H_
#define DROVER_ASYNC_TIMERS_H_

#include <cstdint>
#include <map>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "drover/async/executor.h"
#include "drover/base/mutex.h"

namespace drover::async {

class Timers {
 public:
  Timers() = default;
  ~Timers() { Stop(); }
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // Never 0.
  uint64_t Add(absl::Time at, Task task);
  void Remove(uint64_t id);

  // Drops what is left and waits for the thread.
  void Stop();

 private:
  using Key = std::pair<absl::Time, uint64_t>;
  void Run();

  base::Mutex mu_;
  base::CondVar changed_;
  std::map<Key, Task> tasks_ ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, absl::Time> times_ ABSL_GUARDED_BY(mu_);  // by id
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_TIMERS_H_
