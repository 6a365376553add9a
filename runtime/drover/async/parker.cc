#include "drover/async/parker.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "absl/time/clock.h"
#include "drover/base/fork_generation.h"

namespace drover::async {

// In a child of fork() the parent's is left alone: its descriptor is shared with the parent, and
// its lock may be held by a thread that is not here.
struct Parker::Owner {
  ~Owner() {
    if (generation_ == base::ForkGeneration()) delete current_;
    current_ = nullptr;
  }
};

void Parker::Renew() {
  thread_local Owner owner;
  static_cast<void>(owner);  // makes it
  current_ = new Parker;
  generation_ = base::ForkGeneration();
}

void Parker::Park(absl::Time deadline) {
  base::MutexLock lock(&mu_);
  while (!unparked_) {
    if (cv_.WaitUntil(&mu_, deadline)) break;
  }
  unparked_ = false;
}

bool Parker::ParkWithFd(int fd, absl::Time deadline) {
  if (!event_.valid()) event_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_.valid()) std::abort();  // no descriptor left to wait with: nothing can be waited for
  {
    base::MutexLock lock(&mu_);
    if (unparked_) {
      unparked_ = false;
      return false;
    }
    polling_ = true;
  }
  pollfd fds[2] = {{.fd = fd, .events = POLLIN, .revents = 0},
                   {.fd = event_.get(), .events = POLLIN, .revents = 0}};
  timespec timeout;
  timespec* limit = nullptr;
  if (deadline != absl::InfiniteFuture()) {
    timeout = absl::ToTimespec(std::max(deadline - absl::Now(), absl::ZeroDuration()));
    limit = &timeout;
  }
  const int ready = ppoll(fds, 2, limit, nullptr);
  base::MutexLock lock(&mu_);
  polling_ = false;
  if (unparked_) {
    unparked_ = false;
    uint64_t count;
    // Empties the counter; there is nothing to do if it was empty already.
    [[maybe_unused]] ssize_t n = read(event_.get(), &count, sizeof(count));
  }
  return ready > 0 && fds[0].revents != 0;
}

void Parker::Unpark() {
  base::MutexLock lock(&mu_);
  if (unparked_) return;
  unparked_ = true;
  if (polling_) {
    const uint64_t one = 1;
    [[maybe_unused]] ssize_t n = write(event_.get(), &one, sizeof(one));  // cannot overflow
  } else {
    cv_.Signal();
  }
}

}  // namespace drover::async
