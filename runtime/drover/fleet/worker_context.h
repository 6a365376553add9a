// What a worker process is given by the supervisor that forked it.
//
//   int RunWorker(WorkerContext& context) {
//     std::unique_ptr<transport::Listener> listener = context.TakeListener();
//     ...                                   // begin to serve
//     context.NotifyReady();
//     ...                                   // serve until context.stop_fd() is readable
//     return 0;                             // exit code; see docs/supervision.md
//   }
//
// Thread-safety: NotifyReady, stop_fd and the plain accessors from any thread; TakeListener once.
// Ownership: the context owns the listener until it is taken, and its pipes.
// Errors: none. Blocking: never.
#ifndef DROVER_FLEET_WORKER_CONTEXT_H_
#define DROVER_FLEET_WORKER_CONTEXT_H_

#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "drover/base/unique_fd.h"
#include "drover/transport/endpoint.h"
#include "drover/transport/listener.h"

namespace drover::fleet {

class WorkerContext {
 public:
  // Of the supervisor; not for users.
  WorkerContext(int slot, int restarts, std::unique_ptr<transport::Listener> listener,
                base::UniqueFd ready, int stop_fd)
      : slot_(slot),
        restarts_(restarts),
        endpoint_(listener->endpoint()),
        listener_(std::move(listener)),
        ready_(ready.Release()),
        stop_fd_(stop_fd) {}
  ~WorkerContext() {
    const int fd = ready_.exchange(-1);
    if (fd >= 0) close(fd);
  }

  // The worker's place in the fleet, from 0; a successor has the same.
  int slot() const { return slot_; }
  // How often this slot was started before.
  int restarts() const { return restarts_; }
  const Endpoint& endpoint() const { return endpoint_; }

  // The slot's listener, bound and listening; the supervisor keeps a copy open, so clients wait
  // in its backlog while a worker is replaced. Null the second time.
  std::unique_ptr<transport::Listener> TakeListener() { return std::move(listener_); }

  // Tells the supervisor that calls are answered from now on. Must come within
  // FleetOptions::ready_timeout; later calls do nothing.
  void NotifyReady() {
    const int fd = ready_.exchange(-1);
    if (fd < 0) return;
    // Fails only if the supervisor is dead, and then so is this process in a moment.
    [[maybe_unused]] const ssize_t n = write(fd, "R", 1);
    close(fd);
  }

  // Readable, for ever, once the worker was asked to end (SIGTERM, SIGINT or SIGQUIT): finish
  // what is under way and return. After FleetOptions::grace it is killed. Do not read from it.
  int stop_fd() const { return stop_fd_; }

 private:
  const int slot_;
  const int restarts_;
  const Endpoint endpoint_;
  std::unique_ptr<transport::Listener> listener_;
  std::atomic<int> ready_;
  const int stop_fd_;
};

// Runs in each worker process, which has one thread when it begins. Returns the exit code.
using WorkerMain = std::function<int(WorkerContext&)>;

}  // namespace drover::fleet

#endif  // DROVER_FLEET_WORKER_CONTEXT_H_
