// Code of the program's around calls: to log, to time, to authorise, to refuse.
//
//   absl::Status Log(drover::InterceptedCall& call) {
//     call.OnDone([method = call.Method(), begin = absl::Now()](const absl::Status& status) {
//       std::clog << method << ": " << status << " after " << absl::Now() - begin << "\n";
//     });
//     return absl::OkStatus();
//   }
//   absl::Status Authorise(drover::ServedCall& call) {
//     if (call.context().Metadata("token") == kToken) return absl::OkStatus();
//     return absl::PermissionDeniedError("no valid token");
//   }
//   absl::Status Identify(drover::MadeCall& call) {
//     call.options().metadata.emplace_back("token", kToken);
//     return absl::OkStatus();
//   }
//   drover::Serve(endpoint, servant, {.interceptors = {Log, Authorise}});
//   drover::Connect<WorkerProxy>(endpoint, {.interceptors = {Log, Identify}});
//
// ServerOptions::interceptors see each call that arrives over a connection of that server, whatever
// object it is for, when the object's turn to run it has come, and before the object does; also one
// that is only passed on, to an object elsewhere. ConnectOptions::interceptors see each call that
// the program makes through the proxy or through any object that came over its connection, before
// it leaves. Neither sees Drover's own calls (Node), nor calls on objects of the same process.
//
// They run in their order; the first that does not return OK refuses the call: the rest and the
// call itself are left out, and the caller gets that error. OnDone's functions of those that ran
// are called in the reverse order, refused or not.
//
// Thread-safety: an interceptor is called on many threads at once, on the one that makes or serves
// the call; the call it is given belongs to that thread.
// Ownership: copied into the server or the proxy, and destroyed after the last call.
// Errors: an exception becomes Internal.
// Blocking: an interceptor may block, and make other calls; only this call waits.
#ifndef DROVER_OBJECT_INTERCEPTOR_H_
#define DROVER_OBJECT_INTERCEPTOR_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/object/call_context.h"
#include "drover/object/call_options.h"

namespace drover {

class InterceptedCall {
 public:
  using Done = std::function<void(const absl::Status&)>;

  InterceptedCall(const InterceptedCall&) = delete;
  InterceptedCall& operator=(const InterceptedCall&) = delete;

  // "Worker.calculate"; of a call that is passed on, "method 0 of interface 0x...".
  const std::string& Method() const { return method_; }

  // `done` is called once, with what the call ended with: on a server before the answer leaves, on
  // the thread that answers, which it must not block; at the caller on the thread that waits,
  // before it goes on, or for an async call on the pool, about when its future is ready.
  void OnDone(Done done) { done_.push_back(std::move(done)); }

 protected:
  explicit InterceptedCall(std::string method) : method_(std::move(method)) {}
  ~InterceptedCall() = default;

  std::vector<Done> done_;

 private:
  const std::string method_;
};

// One that arrived.
class ServedCall : public InterceptedCall {
 public:
  // Who calls, and what was said of the call.
  const CallContext& context() const { return context_; }

 protected:
  ServedCall(std::string method, CallContext context)
      : InterceptedCall(std::move(method)), context_(std::move(context)) {}
  ~ServedCall() = default;

 private:
  const CallContext context_;
};

// One that is about to leave.
class MadeCall : public InterceptedCall {
 public:
  // What it is made with: those of the proxy, to be changed at will.
  CallOptions& options() { return options_; }
  // Where the proxy was connected to.
  const std::string& endpoint() const { return endpoint_; }

 protected:
  MadeCall(std::string method, CallOptions options, std::string endpoint)
      : InterceptedCall(std::move(method)),
        options_(std::move(options)),
        endpoint_(std::move(endpoint)) {}
  ~MadeCall() = default;

 private:
  CallOptions options_;
  const std::string endpoint_;
};

using ServerInterceptor = std::function<absl::Status(ServedCall&)>;
using ClientInterceptor = std::function<absl::Status(MadeCall&)>;

}  // namespace drover

#endif  // DROVER_OBJECT_INTERCEPTOR_H_
