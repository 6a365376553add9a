// Ties the future of a call to where the call is: the connection it left on, for waiting there and
// for cancelling it, or the call itself if it runs in this process. A call of an idempotent method
// that was lost with its connection is sent again from here, and is then bound once more.
//
// Thread-safe: the binding may be made by another thread than the one that waits or cancels.
#ifndef DROVER_OBJECT_CALL_BINDING_H_
#define DROVER_OBJECT_CALL_BINDING_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "drover/async/future_core.h"
#include "drover/async/thread_context.h"
#include "drover/rpc/incoming_call.h"
#include "drover/rpc/pipeline_path.h"
#include "drover/rpc/return_handler.h"

namespace drover::rpc {
class Capability;
class OutgoingCall;
}  // namespace drover::rpc

namespace drover::object {

class CallBinding : public rpc::ReturnHandler {
 public:
  void OnSent(base::Ref<rpc::Connection> connection, rpc::QuestionId question) override;
  void OnStarted(base::Ref<rpc::IncomingCall> call) override;
  bool Abandoned() const override { return stop_requested_.load(std::memory_order_acquire); }

  // Before the call is sent: if it is lost it may be sent to `target` again.
  void KeepForRetry(rpc::Capability* target, rpc::OutgoingCall& call);

  // The call fails with DeadlineExceeded, which names it and says where and how long, once the
  // deadline has passed. To be called before the call is made.
  void SetDeadline(absl::Time deadline, std::string name);
  // Sees to it without a thread that waits for `core`, the call's future.
  void StartTimer(base::Ref<async::FutureCore> core);
  absl::Time deadline() const { return deadline_; }

  // Before the call is sent, on the thread that then waits for its answer at once: nobody else can
  // stop it or leave it to the runtime.
  void SetAwaited() { awaited_by_ = &async::ThreadContext::Current(); }

 protected:
  CallBinding();
  ~CallBinding();

  // Waits for `core`, reading the connection where there is one. May return early.
  void Drive(async::FutureCore& core, absl::Time deadline);
  // Tells the call to stop, now or as soon as it is bound.
  void Stop();
  // Nobody waits for the answer: lets the runtime read it, now or as soon as the call is bound.
  void LeaveToRuntime();
  // A promise of what `path` leads to in the results, whose calls leave for where the call is
  // before those are here; null if that cannot be. Keeps `hold` as long as it lives.
  base::Ref<rpc::Capability> PipelineOnWire(const rpc::PipelinePath& path,
                                            base::Ref<base::RefCounted> hold);
  void StopTimer();
  // Fails `core` if the deadline has passed.
  void ExpireIfDue(async::FutureCore& core);
  // The results came, and wait to be collected.
  void NoteAnswer();
  // The call was answered, or will not be sent again.
  void EndRetries(bool answered);
  // The call was lost: whether it is being sent again.
  bool Retry();

 private:
  // Where the call is, or was, a question.
  struct Bound {
    base::Ref<rpc::Connection> connection;
    rpc::QuestionId question;
    std::atomic<bool> unattended{false};  // in the connection's count of unattended calls
    Bound* next = nullptr;
  };
  struct Retries;

  void StopBound();
  void LeaveBoundToRuntime(Bound& bound);
  void Publish(Bound* bound);
  void Expire(async::FutureCore& core);

  const async::ThreadContext* awaited_by_ = nullptr;
  bool may_be_sent_again_ = false;  // retries_ are there, or were
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> left_{false};  // LeaveToRuntime was called
  std::atomic<bool> sent_{false};  // first_ is taken
  Bound first_;
  std::atomic<Bound*> more_{nullptr};   // of a call that was sent again: all but the first
  std::atomic<Bound*> bound_{nullptr};  // the latest
  std::atomic<rpc::Connection*> counted_{nullptr};  // in its count of uncollected answers
  std::atomic<rpc::IncomingCall*> started_{nullptr};
  base::Ref<rpc::IncomingCall> call_;  // set before started_
  std::unique_ptr<Retries> retries_;   // used by whoever completes the call

  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Duration allowed_;
  std::string name_;
  std::atomic<uint64_t> timer_{0};
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_CALL_BINDING_H_
