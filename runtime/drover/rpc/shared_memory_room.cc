#include "drover/rpc/shared_memory_room.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "absl/strings/str_cat.h"
#include "drover/base/unique_fd.h"

namespace drover::rpc {
namespace {

// The kernel gives out the lowest descriptor that is free; what lies above is mostly free, too.
bool DescriptorsAreShort(int fd) {
  const base::UniqueFd lowest(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  rlimit limit;
  return !lowest.valid() || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
         limit.rlim_cur < static_cast<rlim_t>(lowest.get()) + kSpareDescriptors;
}

}  // namespace

std::shared_ptr<const void> Reserve(const std::shared_ptr<std::atomic<size_t>>& shared,
                                    size_t bytes, size_t most) {
  if (shared->fetch_add(bytes, std::memory_order_relaxed) + bytes > most) {
    shared->fetch_sub(bytes, std::memory_order_relaxed);
    return nullptr;
  }
  return std::shared_ptr<const void>(shared.get(), [shared, bytes](const void*) {
    shared->fetch_sub(bytes, std::memory_order_relaxed);
  });
}

absl::StatusOr<std::shared_ptr<const void>> RoomOfClient(int fd) {
  static const auto& clients = *new auto(std::make_shared<std::atomic<size_t>>(0));
  if (DescriptorsAreShort(fd)) {
    return absl::ResourceExhaustedError("this process has no descriptors left to share memory");
  }
  std::shared_ptr<const void> room = Reserve(clients, 1, kMostClientsOfMemory);
  if (room != nullptr) return room;
  return absl::ResourceExhaustedError(absl::StrCat("this process shares memory with servers over ",
                                                   kMostClientsOfMemory,
                                                   " connections, and with no more"));
}

}  // namespace drover::rpc
