#include "drover/object/connect.h"

#include "absl/status/statusor.h"
#include "drover/object/interception.h"
#include "drover/rpc/durable_capability.h"
#include "drover/rpc/shared_memory_setting.h"

namespace drover::object {

Proxy ConnectTo(const Endpoint& endpoint, const ConnectOptions& options) {
  rpc::DurableOptions durable;
  durable.runtime = options.runtime;
  durable.max_frame_bytes = options.max_message_bytes;
  durable.limits = options.limits;
  durable.liveness = {.tcp_user_timeout = options.tcp_user_timeout,
                      .ping_interval = options.ping_interval,
                      .ping_timeout = options.ping_timeout};
  durable.dial.timeout = options.dial_timeout;
  durable.ready = {
      .wait = options.wait_for_ready, .timeout = options.ready_timeout, .backoff = options.backoff};
  durable.shared_memory = rpc::UseOfSharedMemory(endpoint, options.shared_memory);
  durable.retry_tokens = options.retry_tokens;
  durable.retry_token_ratio = options.retry_token_ratio;
  if (!options.interceptors.empty()) {
    durable.hooks = base::MakeRef<ClientHooks>(endpoint.ToString(), options.interceptors);
  }
  return Proxy::FromCapability(base::MakeRef<rpc::DurableCapability>(endpoint, durable));
}

Proxy ConnectTo(std::string_view endpoint, const ConnectOptions& options) {
  absl::StatusOr<Endpoint> parsed = Endpoint::Parse(endpoint);
  if (!parsed.ok()) return Proxy::FromCapability(rpc::BrokenCapability(parsed.status()));
  return ConnectTo(*parsed, options);
}

}  // namespace drover::object
