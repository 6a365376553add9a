#ifndef DROVER_OBJECT_SERVANT_H_
#define DROVER_OBJECT_SERVANT_H_

#include "drover/object/interface_info.h"

namespace drover {

namespace object {
class ServerCall;
}

class Servant {
 public:
  virtual ~Servant() = default;
  virtual const object::InterfaceInfo& Interface() const = 0;
  virtual void Dispatch(object::ServerCall& call) = 0;
};

}  // namespace drover

#endif  // DROVER_OBJECT_SERVANT_H_
