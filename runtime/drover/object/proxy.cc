#include "drover/object/proxy.h"

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "drover/object/call_options.h"
#include "drover/object/servant.h"
#include "drover/rpc/local_capability.h"
#include "drover/rpc/promise_capability.h"

namespace drover {

Proxy::Proxy(std::shared_ptr<Servant> servant)
    : capability_(rpc::LocalCapability::Of(std::move(servant))) {}

Proxy Proxy::WithOptions(CallOptions options) const {
  Proxy proxy = *this;
  proxy.options_ = std::make_shared<const CallOptions>(std::move(options));
  return proxy;
}

absl::StatusOr<base::UniqueFd> Proxy::attached_fd() const {
  if (!capability_) {
    return absl::FailedPreconditionError("attached_fd of a proxy that refers to no object");
  }
  const base::Ref<base::SharedFd> fd = rpc::PromiseCapability::Follow(capability_)->AttachedFd();
  if (!fd) return absl::NotFoundError("no descriptor came with the object");
  base::UniqueFd copy(fcntl(fd->get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) {
    return absl::ResourceExhaustedError(
        absl::ErrnoToStatus(errno, "cannot copy the object's descriptor").message());
  }
  return copy;
}

}  // namespace drover
