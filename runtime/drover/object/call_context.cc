#include "drover/object/call_context.h"

#include <utility>

#include "absl/time/clock.h"
#include "drover/async/thread_context.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/incoming_call.h"

namespace drover {

CallContext CallContext::Current() {
  // The cancellation of served code is the call itself.
  auto* call = dynamic_cast<rpc::IncomingCall*>(async::ThreadContext::Current().cancellation);
  return CallContext(base::Ref<rpc::IncomingCall>::Share(call));
}

CallContext::CallContext() = default;
CallContext::CallContext(base::Ref<rpc::IncomingCall> call) : call_(std::move(call)) {}
CallContext::CallContext(const CallContext&) = default;
CallContext::CallContext(CallContext&&) noexcept = default;
CallContext& CallContext::operator=(CallContext other) {
  call_ = std::move(other.call_);
  return *this;
}
CallContext::~CallContext() = default;

CallContext::operator bool() const { return static_cast<bool>(call_); }

bool CallContext::Cancelled() const { return call_ && call_->cancelled(); }

absl::Time CallContext::Deadline() const {
  return call_ && call_->metadata() ? call_->metadata()->deadline : absl::InfiniteFuture();
}

absl::Duration CallContext::Remaining() const {
  const absl::Time deadline = Deadline();
  if (deadline == absl::InfiniteFuture()) return absl::InfiniteDuration();
  return deadline - absl::Now();
}

std::string CallContext::Metadata(std::string_view key) const {
  if (!call_ || !call_->metadata()) return "";
  for (const auto& [name, value] : call_->metadata()->entries) {
    if (name == key) return value;
  }
  return "";
}

std::string CallContext::Method() const { return call_ ? call_->method_name() : ""; }

const transport::PeerInfo* CallContext::Peer() const {
  return call_ && call_->connection() ? &call_->connection()->peer() : nullptr;
}

}  // namespace drover
