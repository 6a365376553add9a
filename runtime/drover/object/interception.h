// Runs interceptors, and what they want done in the end.
//
// Thread-safe.
#ifndef DROVER_OBJECT_INTERCEPTION_H_
#define DROVER_OBJECT_INTERCEPTION_H_

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "drover/object/interceptor.h"
#include "drover/rpc/call_hooks.h"

namespace drover::object {

// What OnDone got, called once with the outcome.
class DoneList {
 public:
  explicit DoneList(std::vector<InterceptedCall::Done> done) : done_(std::move(done)) {}
  // The last one first. An exception goes to the log.
  void Run(const absl::Status& status);
  bool empty() const { return done_.empty(); }

 private:
  std::vector<InterceptedCall::Done> done_;
};

// The first error of `interceptors`.
template <class Call, class Interceptor>
absl::Status RunInterceptors(const std::vector<Interceptor>& interceptors, Call& call) {
  for (const Interceptor& interceptor : interceptors) {
    absl::Status status;
    try {
      status = interceptor(call);
    } catch (const std::exception& e) {
      status = absl::InternalError(absl::StrCat("an interceptor threw an exception: ", e.what()));
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Those of the calls that a program makes through one durable proxy.
class ClientHooks final : public rpc::CallHooks {
 public:
  ClientHooks(std::string endpoint, std::vector<ClientInterceptor> interceptors)
      : CallHooks(/*intervenes=*/false),
        endpoint_(std::move(endpoint)),
        interceptors_(std::move(interceptors)) {}

  // Changes `options` as the interceptors say. `done` is what is to be run in the end, or null.
  absl::Status BeforeCall(std::string method, CallOptions& options,
                          std::unique_ptr<DoneList>& done) const;

  // Calls of the peer are nothing to us.
  absl::Status BeforeServing(rpc::IncomingCall&) override { return absl::OkStatus(); }
  void AfterServing(rpc::IncomingCall&, const absl::Status&) override {}

 private:
  const std::string endpoint_;
  const std::vector<ClientInterceptor> interceptors_;
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_INTERCEPTION_H_
