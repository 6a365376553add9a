// Ties the future of a call to where the call is: the connection it left on, for waiting there and
// for cancelling it, or the call itself if it runs in this process.
//
// Thread-safe: the binding may be made by another thread than the one that waits or cancels.
#ifndef DROVER_OBJECT_CALL_BINDING_H_
#define DROVER_OBJECT_CALL_BINDING_H_

#include <atomic>

#include "absl/time/time.h"
#include "drover/async/future_core.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/return_handler.h"

namespace drover::object {

class CallBinding : public rpc::ReturnHandler {
 public:
  void OnSent(base::Ref<rpc::Connection> connection, rpc::QuestionId question) override;
  void OnStarted(base::Ref<rpc::IncomingCall> call) override;

 protected:
  CallBinding();
  ~CallBinding();

  // Waits for `core`, reading the connection where there is one. May return early.
  void Drive(async::FutureCore& core, absl::Time deadline);
  // Tells the call to stop, now or as soon as it is bound.
  void Stop();
  // Nobody waits for the answer: lets the runtime read it, now or as soon as the call is bound.
  void LeaveToRuntime();
  // The results came, and wait to be collected.
  void NoteAnswer();

 private:
  enum State : int { kUnbound, kSent, kStarted };

  void StopBound();
  void LeaveBoundToRuntime();

  std::atomic<int> state_{kUnbound};
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> counted_{false};       // in the connection's count of uncollected answers
  std::atomic<bool> left_{false};          // LeaveToRuntime was called
  std::atomic<bool> unattended_{false};    // in the connection's count of unattended calls
  base::Ref<rpc::Connection> connection_;  // kSent; set before state_
  rpc::QuestionId question_;
  base::Ref<rpc::IncomingCall> call_;  // kStarted; set before state_
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_CALL_BINDING_H_
