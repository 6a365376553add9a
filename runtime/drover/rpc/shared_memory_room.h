// What keeps memory that is shared within bounds: how much of it there is, and whether a client has
// room for more before it asks for it. Once the server has answered neither side can go back to the
// socket, so a client that finds out later loses a connection which worked.
//
//   std::shared_ptr<const void> share = Reserve(terms.shared, bytes, most);
//   if (share == nullptr) ...                                     // too much
//   DROVER_ASSIGN_OR_RETURN(share, RoomOfClient(fd));
//
// Thread-safe. Never blocks.
#ifndef DROVER_RPC_SHARED_MEMORY_ROOM_H_
#define DROVER_RPC_SHARED_MEMORY_ROOM_H_

#include <atomic>
#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"

namespace drover::rpc {

// So many connections of a process, as a client, share memory at most. Each has up to eight
// mappings, of the 65,530 that Linux gives a process (vm.max_map_count).
inline constexpr size_t kMostClientsOfMemory = 4096;
// So many descriptors must be left: four for the memory that comes, and some for whoever opens one
// meanwhile.
inline constexpr int kSpareDescriptors = 16;

// Counts `bytes` in `shared` for as long as the result lives; null if that were more than `most`.
std::shared_ptr<const void> Reserve(const std::shared_ptr<std::atomic<size_t>>& shared,
                                    size_t bytes, size_t most);

// Holds a client's place among kMostClientsOfMemory; `fd` is any that is open. Errors:
// ResourceExhausted, also where descriptors are short.
absl::StatusOr<std::shared_ptr<const void>> RoomOfClient(int fd);

}  // namespace drover::rpc

#endif  // DROVER_RPC_SHARED_MEMORY_ROOM_H_
