#include "drover/object/proxy.h"

#include "drover/object/servant.h"
#include "drover/rpc/local_capability.h"

namespace drover {

Proxy::Proxy(std::shared_ptr<Servant> servant)
    : capability_(rpc::LocalCapability::Of(std::move(servant))) {}

}  // namespace drover
