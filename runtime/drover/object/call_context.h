// The call that is being served, for the servant's method and what it calls.
//
//   absl::StatusOr<std::string> Render(std::string page) override {
//     drover::CallContext call = drover::CallContext::Current();
//     while (!call.Cancelled() && more()) step();
//     if (call.Remaining() < absl::Milliseconds(10)) return cheap_answer();
//
// Current() works on the thread that runs the method, and in its continuations and coroutines.
//
// Thread-safety: a value, thread-safe; may be passed to other threads. Ownership: keeps the call's
// bookkeeping alive, not the call running. Errors: none; without a call everything is empty.
// Blocking: never.
#ifndef DROVER_OBJECT_CALL_CONTEXT_H_
#define DROVER_OBJECT_CALL_CONTEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "drover/base/ref.h"

namespace drover {

namespace rpc {
class IncomingCall;
}
namespace transport {
struct PeerInfo;
}

class CallContext {
 public:
  static CallContext Current();

  CallContext();  // of no call
  explicit CallContext(base::Ref<rpc::IncomingCall> call);
  CallContext(const CallContext&);
  CallContext(CallContext&&) noexcept;
  CallContext& operator=(CallContext);
  ~CallContext();

  // Whether there is a call.
  explicit operator bool() const;

  // Whether the caller has cancelled the call, or is gone.
  bool Cancelled() const;
  // InfiniteFuture if the caller set none, or told none.
  absl::Time Deadline() const;
  absl::Duration Remaining() const;
  // What the callers said of it; empty if nothing.
  std::string Metadata(std::string_view key) const;
  std::string Traceparent() const { return Metadata("traceparent"); }
  // "Worker.calculate".
  std::string Method() const;
  // Who calls: null for a call from this process. Valid as long as the context.
  const transport::PeerInfo* Peer() const;

  const base::Ref<rpc::IncomingCall>& call() const { return call_; }

 private:
  base::Ref<rpc::IncomingCall> call_;
};

}  // namespace drover

#endif  // DROVER_OBJECT_CALL_CONTEXT_H_
