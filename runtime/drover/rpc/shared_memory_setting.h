// Whether shared memory is used and offered, by options, endpoint and environment (DROVER_SHM).
//
// Thread-safe. Never blocks.
#ifndef DROVER_RPC_SHARED_MEMORY_SETTING_H_
#define DROVER_RPC_SHARED_MEMORY_SETTING_H_

#include <cstdlib>
#include <string_view>

#include "drover/rpc/connection_options.h"
#include "drover/transport/endpoint.h"

namespace drover::rpc {

// False if DROVER_SHM is 0; read at the first use.
inline bool SharedMemoryIsAllowed() {
  static const bool allowed = [] {
    const char* text = std::getenv("DROVER_SHM");
    return text == nullptr || std::string_view(text) != "0";
  }();
  return allowed;
}

inline SharedMemoryTerms::Use UseOfSharedMemory(const Endpoint& endpoint, bool option) {
  using Use = SharedMemoryTerms::Use;
  if (endpoint.scheme() == Endpoint::Scheme::kShm) return Use::kAlways;
  return option && SharedMemoryIsAllowed() ? Use::kWhereOffered : Use::kNever;
}

inline bool OffersSharedMemory(const Endpoint& endpoint, bool option) {
  if (endpoint.scheme() == Endpoint::Scheme::kShm) return true;
  return option && SharedMemoryIsAllowed();
}

}  // namespace drover::rpc

#endif  // DROVER_RPC_SHARED_MEMORY_SETTING_H_
