// What travels with a call beside its params: the deadline, the chain of calls that wait for it,
// and what the callers said of it. Inherited by the calls that a servant makes while it serves.
//
// Values; thread-compatible. `metadata_codec.h` puts them on the wire.
#ifndef DROVER_RPC_CALL_METADATA_H_
#define DROVER_RPC_CALL_METADATA_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace drover::rpc {

// A call whose servant made this one, or one further up. If that servant waits, it takes no other
// call meanwhile, so one that comes back there would wait for ever.
struct ChainLink {
  uint64_t id = 0;
  std::string method;
};

struct CallMetadata {
  absl::Time deadline = absl::InfiniteFuture();
  std::vector<ChainLink> chain;  // the first call first
  std::vector<std::pair<std::string, std::string>> entries;

  bool empty() const {
    return deadline == absl::InfiniteFuture() && chain.empty() && entries.empty();
  }
};

using CallMetadataPtr = std::shared_ptr<const CallMetadata>;  // null: nothing

}  // namespace drover::rpc

#endif  // DROVER_RPC_CALL_METADATA_H_
