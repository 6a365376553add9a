// What a server says of the objects it exports: the caller's side of the Node interface.
//
// Thread-safe. Blocks. Errors: of the calls; Unimplemented if the server is not Drover's.
#ifndef DROVER_DYNAMIC_NODE_CLIENT_H_
#define DROVER_DYNAMIC_NODE_CLIENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "drover/object/call_options.h"
#include "drover/object/proxy.h"

namespace drover::dynamic {

struct Description {
  uint64_t interface_id = 0;
  std::vector<std::string> nodes;  // a message each, as they came
};

class NodeClient {
 public:
  // `front`: the front object of the server.
  NodeClient(const Proxy& front, const CallOptions& options) : front_(front, options) {}

  // Of the object exported under a name; the front object for the empty one.
  absl::StatusOr<Description> Describe(const std::string& name) const;
  absl::StatusOr<Proxy> Lookup(const std::string& name) const;

 private:
  struct Front : Proxy {
    Front(const Proxy& front, const CallOptions& options) : Proxy(front) {
      static_cast<Proxy&>(*this) = WithOptions(options);
    }
  };

  const Front front_;
};

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_NODE_CLIENT_H_
