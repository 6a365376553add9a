#include "drover/object/proxy.h"

#include <memory>
#include <utility>

#include "drover/object/call_options.h"
#include "drover/object/servant.h"
#include "drover/rpc/local_capability.h"

namespace drover {

Proxy::Proxy(std::shared_ptr<Servant> servant)
    : capability_(rpc::LocalCapability::Of(std::move(servant))) {}

Proxy Proxy::WithOptions(CallOptions options) const {
  Proxy proxy = *this;
  proxy.options_ = std::make_shared<const CallOptions>(std::move(options));
  return proxy;
}

}  // namespace drover
