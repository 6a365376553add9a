#include "drover/object/interception.h"

#include "drover/base/log.h"

namespace drover::object {
namespace {

class Made final : public MadeCall {
 public:
  Made(std::string method, CallOptions options, std::string endpoint)
      : MadeCall(std::move(method), std::move(options), std::move(endpoint)) {}
  std::vector<Done> TakeDone() { return std::move(done_); }
};

}  // namespace

void DoneList::Run(const absl::Status& status) {
  for (auto done = done_.rbegin(); done != done_.rend(); ++done) {
    try {
      (*done)(status);
    } catch (const std::exception& e) {
      DROVER_LOG(kError) << "what an interceptor gave to OnDone threw an exception: " << e.what();
    }
  }
  done_.clear();
}

absl::Status ClientHooks::BeforeCall(std::string method, CallOptions& options,
                                     std::unique_ptr<DoneList>& done) const {
  Made call(std::move(method), std::move(options), endpoint_);
  absl::Status status = RunInterceptors(interceptors_, call);
  options = std::move(call.options());
  DoneList list(call.TakeDone());
  if (!list.empty()) done = std::make_unique<DoneList>(std::move(list));
  return status;
}

}  // namespace drover::object
