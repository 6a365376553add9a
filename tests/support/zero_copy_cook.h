// A cook of the kitchen that answers in the zero-copy form where it can.
#ifndef DROVER_TESTS_SUPPORT_ZERO_COPY_COOK_H_
#define DROVER_TESTS_SUPPORT_ZERO_COPY_COOK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kitchen.drover_zero_copy.h"
#include "support/gate.h"

namespace drover::testing_support {

class ZeroCopyCook : public kitchen::CookZeroCopyServant {
 public:
  // Where Wait waits.
  Gate gate;
  // Unless empty, what Echo does.
  std::function<absl::Status(EchoContext&)> on_echo;

  // In the value form.
  absl::StatusOr<uint32_t> Add(uint32_t a, uint32_t b) override { return a + b; }

  // In the zero-copy form.
  absl::Status EchoZeroCopy(EchoContext& call) override {
    if (on_echo) return on_echo(call);
    const capnp::Data::Reader data = call.params().getData();
    call.results(data.size()).setData(data);
    return absl::OkStatus();
  }
  absl::Status FailZeroCopy(FailContext& call) override {
    const auto params = call.params();
    call.results();
    return absl::Status(static_cast<absl::StatusCode>(params.getCode()),
                        params.getMessage().cStr());
  }
  absl::Status TellZeroCopy(TellContext& call) override {
    const kitchen::ListenerProxy listener = ProxyOf(call.params().getListener());
    const absl::StatusOr<std::string> reply = listener.Heard(call.params().getText().cStr());
    if (!reply.ok()) return reply.status();
    call.results().setReply(reply->c_str());
    return absl::OkStatus();
  }
  absl::Status KeepZeroCopy(KeepContext& call) override {
    kept_ = ProxyOf(call.params().getListener());
    return absl::OkStatus();
  }
  absl::Status KeptZeroCopy(KeptContext& call) override {
    call.results().setListener(ClientOf(kept_));
    return absl::OkStatus();
  }
  absl::Status LookZeroCopy(LookContext& call) override {
    auto shelf = call.results().initShelf();
    shelf.setLabel("spices");
    shelf.setListener(ClientOf(kept_));
    return absl::OkStatus();
  }
  absl::Status WaitZeroCopy(WaitContext&) override { return gate.Pass(); }
  absl::Status RunningZeroCopy(RunningContext& call) override {
    call.results().setCount(3);
    call.results().setMost(7);
    return absl::OkStatus();
  }

 private:
  kitchen::ListenerProxy kept_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_ZERO_COPY_COOK_H_
