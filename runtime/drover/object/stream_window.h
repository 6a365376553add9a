// The flow control of streaming calls to one object: what stream.h says of them. Kept with the
// capability, made at the first streaming call.
//
// Thread-safe. Write blocks, safely from a servant; nothing else does. No user code runs in here.
#ifndef DROVER_OBJECT_STREAM_WINDOW_H_
#define DROVER_OBJECT_STREAM_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/object/interface_info.h"
#include "drover/object/window_estimate.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/outgoing_call.h"

namespace drover::object {

class StreamWindow final : public base::RefCounted {
 public:
  // What a call counts at least: both sides keep more of it than its message, and the receiver has
  // a limit for their number (rpc/limits.h).
  static constexpr size_t kLeastCallBytes = 512;

  // The one of `target`.
  static StreamWindow& Of(rpc::Capability& target);
  // The same, or null if there was no streaming call yet.
  static StreamWindow* Find(rpc::Capability& target);

  // Called once with what a call ended with, on any thread; may be null.
  using Done = std::function<void(const absl::Status&)>;

  // Waits for room, then sends.
  absl::Status Write(rpc::Capability& target, const MethodInfo& method, rpc::OutgoingCall call,
                     Done done);
  // Sends; the future completes when there is room for another one like it.
  Future<void> WriteAsync(rpc::Capability& target, const MethodInfo& method, rpc::OutgoingCall call,
                          Done done);
  // Completes when what has been sent by now is answered, with the first error, which it takes
  // away.
  Future<void> Finish();

  // Bytes on their way, and how many may be, at this moment.
  size_t bytes_in_flight() const;
  size_t window() const;

 private:
  class Call;
  // Sent and unanswered, or answered out of turn.
  struct Sent {
    size_t bytes;
    bool answered = false;
  };
  // A thread that wants to send; it takes itself off the list.
  struct Sender {
    enum State { kWaiting, kGranted, kRefused };
    size_t bytes;
    State state = kWaiting;  // kGranted: its bytes are counted as on their way
    Promise<void> turn;
  };
  struct RoomWaiter {
    size_t bytes;
    Promise<void> room;
  };
  struct Finisher {
    uint64_t calls;  // waits until so many are answered
    Promise<void> done;
  };
  // Promises to be kept after the lock is released.
  struct Wakeups {
    std::vector<Promise<void>> promises;
    absl::Status status;
    void Run();
  };

  StreamWindow();

  absl::Status CheckProcess() const;
  bool Fits(size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return in_flight_ == 0 || in_flight_ + bytes <= estimate_.bytes();
  }
  absl::Status AwaitTurn(size_t bytes);
  // Counts a call whose bytes are in in_flight_ already, and puts it on the path of the others.
  base::Ref<Call> AddCall(const MethodInfo& method, size_t bytes, rpc::OutgoingCall& call,
                          Done done) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Answered(uint64_t number, const absl::Status& status);
  void Grant(Wakeups& wakeups) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Refuse(Wakeups& wakeups) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TellFinishers(Wakeups& wakeups) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Somebody waits: the runtime has to read the answers.
  void LeaveToRuntime();

  const uint32_t fork_generation_;
  mutable base::Mutex mu_;
  WindowEstimate estimate_ ABSL_GUARDED_BY(mu_);
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;    // bytes
  uint64_t answered_ ABSL_GUARDED_BY(mu_) = 0;   // calls, without those out of turn
  std::deque<Sent> sent_ ABSL_GUARDED_BY(mu_);   // those after them; the first is not answered
  base::Ref<Call> newest_ ABSL_GUARDED_BY(mu_);  // until it is answered
  base::Ref<rpc::CallPath> path_ ABSL_GUARDED_BY(mu_);  // as long as any is unanswered
  absl::Status error_ ABSL_GUARDED_BY(mu_);
  std::list<Sender> senders_ ABSL_GUARDED_BY(mu_);  // in order
  std::list<RoomWaiter> room_waiters_ ABSL_GUARDED_BY(mu_);
  std::list<Finisher> finishers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_STREAM_WINDOW_H_
