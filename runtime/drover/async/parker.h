// How one thread sleeps until another wakes it, either on nothing else or beside a descriptor.
//
//   Parker& parker = Parker::ForThisThread();
//   queue.Register(&parker);               // somebody may now call parker.Unpark()
//   while (!done()) parker.Park(deadline);
//   queue.Unregister(&parker);             // under the lock that Unpark is called under
//
// Unpark is remembered: one that comes before Park makes Park return at once. Wake-ups without a
// cause happen; loop on the condition. Unpark is thread-safe and never blocks; the rest is for the
// thread that owns the parker. Whoever keeps a pointer to a parker must be told to forget it, under
// a lock that excludes Unpark, before the thread moves on.
#ifndef DROVER_ASYNC_PARKER_H_
#define DROVER_ASYNC_PARKER_H_

#include <cstdint>

#include "absl/time/time.h"
#include "drover/base/fork_generation.h"
#include "drover/base/mutex.h"
#include "drover/base/unique_fd.h"

namespace drover::async {

class Parker {
 public:
  // Another one in a child of fork().
  static Parker& ForThisThread() {
    if (current_ == nullptr || generation_ != base::ForkGeneration()) Renew();
    return *current_;
  }

  // Sleeps until unparked or until the deadline.
  void Park(absl::Time deadline);

  // Sleeps until unparked, until `fd` is readable, or until the deadline. Returns whether the
  // descriptor is readable (or broken).
  bool ParkWithFd(int fd, absl::Time deadline);

  void Unpark();

 private:
  struct Owner;
  static void Renew();

  static inline thread_local constinit Parker* current_ = nullptr;
  static inline thread_local constinit uint32_t generation_ = 0;  // that it was made in

  base::Mutex mu_;
  base::CondVar cv_;
  bool unparked_ ABSL_GUARDED_BY(mu_) = false;
  bool polling_ ABSL_GUARDED_BY(mu_) = false;
  base::UniqueFd event_;  // made at the first ParkWithFd; written by others only while polling_
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_PARKER_H_
