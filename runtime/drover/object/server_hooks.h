// What a server does around the calls it serves: interceptors run, and they are counted.
//
// Thread-safe.
#ifndef DROVER_OBJECT_SERVER_HOOKS_H_
#define DROVER_OBJECT_SERVER_HOOKS_H_

#include <utility>
#include <vector>

#include "drover/object/call_statistics.h"
#include "drover/object/interceptor.h"
#include "drover/rpc/call_hooks.h"

namespace drover::object {

class ServerHooks final : public rpc::CallHooks {
 public:
  explicit ServerHooks(std::vector<ServerInterceptor> interceptors)
      : CallHooks(/*intervenes=*/!interceptors.empty()), interceptors_(std::move(interceptors)) {}

  const CallStatistics& statistics() const { return statistics_; }

  absl::Status BeforeServing(rpc::IncomingCall& call) override;
  void AfterServing(rpc::IncomingCall& call, const absl::Status& status) override;

 private:
  const std::vector<ServerInterceptor> interceptors_;
  CallStatistics statistics_;
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_SERVER_HOOKS_H_
