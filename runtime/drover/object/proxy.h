// The base of every generated proxy: a value that refers to an object somewhere, or to nothing.
//
//   race::WorkerProxy worker = drover::Connect<race::WorkerProxy>(endpoint);
//   absl::StatusOr<uint32_t> seconds = worker.Calculate();
//
// Thread-safety: as std::shared_ptr; the object referred to may be called through any number of
// proxies from any number of threads. Calls made by one thread on one object arrive in that order.
// Ownership: copies share the reference; when the last proxy in this process goes, the object's
// host is told.
// Errors: a call on a proxy that refers to nothing gives FailedPrecondition, as attached_fd does.
// Blocking: the blocking methods of generated proxies block; nothing here does.
#ifndef DROVER_OBJECT_PROXY_H_
#define DROVER_OBJECT_PROXY_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "drover/base/ref.h"
#include "drover/base/unique_fd.h"
#include "drover/object/call_options.h"
#include "drover/rpc/capability.h"

namespace drover {

class Servant;

class Proxy {
 public:
  Proxy() = default;

  // Whether it refers to an object; not whether that can be reached.
  explicit operator bool() const { return static_cast<bool>(capability_); }

  // Whether both refer to the same object, as far as this process can tell.
  friend bool operator==(const Proxy& a, const Proxy& b) { return a.capability_ == b.capability_; }

  // A copy of the descriptor that came with the object (Servant::AttachedFd), the caller's to
  // close. Errors: NotFound if none did: the object has none, it came over TCP, this end accepts
  // none (Limits::max_fds_per_message), or it is not known yet what the proxy refers to;
  // ResourceExhausted if no more descriptors can be open. Never blocks.
  absl::StatusOr<base::UniqueFd> attached_fd() const;

  const base::Ref<rpc::Capability>& capability() const { return capability_; }
  // Of the calls made through it; null for the defaults.
  const std::shared_ptr<const CallOptions>& options() const { return options_; }

  // For the runtime, which finds capabilities in messages.
  static Proxy FromCapability(base::Ref<rpc::Capability> capability,
                              std::shared_ptr<const CallOptions> options = nullptr) {
    Proxy proxy;
    proxy.capability_ = std::move(capability);
    proxy.options_ = std::move(options);
    return proxy;
  }

 protected:
  // The same object, called with these options in place of this proxy's. Generated proxies give it
  // their own type, as With().
  Proxy WithOptions(CallOptions options) const;

  // An object of this process.
  explicit Proxy(std::shared_ptr<Servant> servant);

 private:
  base::Ref<rpc::Capability> capability_;
  std::shared_ptr<const CallOptions> options_;
};

}  // namespace drover

#endif  // DROVER_OBJECT_PROXY_H_
