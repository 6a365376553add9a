// Calls that wait for a server which is not up yet, in the order in which they were made.
//
//   queue->Send(owner, std::move(call), handler);
//
// The pool dials, and after a failure dials again when the back-off is over; then the calls leave,
// and later ones behind them. A call whose future is cancelled meanwhile is dropped; one that has
// waited for the timeout fails with Unavailable, which names the last failure.
//
// Thread-safe; Send never blocks. While calls wait their owner is kept alive.
#ifndef DROVER_RPC_READY_QUEUE_H_
#define DROVER_RPC_READY_QUEUE_H_

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "drover/async/reactor.h"
#include "drover/async/runtime.h"
#include "drover/base/mutex.h"
#include "drover/rpc/backoff.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/return_handler.h"

namespace drover::rpc {

struct ReadyOptions {
  bool wait = false;
  absl::Duration timeout = absl::InfiniteDuration();
  Backoff backoff = {};
};

// What calls wait for.
class ReadySource {
 public:
  // The capability to call, if there is one now. Never blocks.
  virtual base::Ref<Capability> Ready() = 0;
  // Makes one; may block. Called by one thread at a time.
  virtual absl::StatusOr<base::Ref<Capability>> MakeReady() = 0;
  // Whether it may work later, after this failure.
  virtual bool WorthWaiting(const absl::Status& failure) = 0;

  virtual void AddRef() const = 0;
  virtual void Unref() const = 0;

 protected:
  ~ReadySource() = default;
};

class ReadyQueue final : public async::EventHandler {
 public:
  ReadyQueue(Runtime& runtime, const ReadyOptions& options);

  void Send(base::Ref<ReadySource> owner, OutgoingCall call, base::Ref<ReturnHandler> handler);

  void OnReady(uint32_t) override {}
  void OnTimer() override;
  void HandOver() override {}

 private:
  struct Waiting {
    OutgoingCall call;
    base::Ref<ReturnHandler> handler;
    int64_t deadline;
  };
  // kIdle: nothing waits. kTrying: a thread dials, or lets the calls go. kPausing: until next_.
  enum class State { kIdle, kTrying, kPausing };

  void Try();
  void LetGo(base::Ref<Capability> front, ReadySource& owner);
  void FailAll(const absl::Status& status);
  void Pause(const absl::Status& failure);
  // Takes those that have waited long enough, or that nobody wants any more.
  std::vector<Waiting> TakeOverdue(int64_t now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndOverdue(std::vector<Waiting> overdue, const absl::Status& failure);
  int64_t NextDeadline() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Nothing waits any more; the owner, which the caller drops without the lock.
  base::Ref<ReadySource> GoIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Runtime& runtime_;
  const ReadyOptions options_;
  base::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kIdle;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  base::Ref<ReadySource> owner_ ABSL_GUARDED_BY(mu_);  // unless idle
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  int64_t next_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t reactor_id_ ABSL_GUARDED_BY(mu_) = 0;  // while registered: unless idle
  ExponentialBackoff backoff_ ABSL_GUARDED_BY(mu_);
  std::minstd_rand random_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_READY_QUEUE_H_
