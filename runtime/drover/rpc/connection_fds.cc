// Descriptors that travel with messages, over UNIX sockets.
//
// A frame that carries some is a write of its own, both here and in the stock runtime, so the
// kernel hands them over with a read that ends inside that frame or at its end.
// CapDescriptor.attachedFd is an index into the descriptors of its frame.
#include <algorithm>
#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/remote_capability.h"

namespace drover::rpc {
namespace {

constexpr uint8_t kNoFd = 0xff;
constexpr size_t kFdsOfMemory = 3;  // the rings, the bell, and memory for large messages

}  // namespace

transport::IoResult Connection::ReadWithFds(std::span<std::byte> space, transport::Wait wait) {
  const size_t most =
      std::max(terms_->limits.max_fds_per_message, read_.expects_memory ? kFdsOfMemory : size_t{0});
  std::vector<base::UniqueFd> fds;
  const transport::IoResult result =
      SharedMemoryUpgrade::Input(*this).ReadWithFds(space, wait, most, &fds);
  if (result.bytes == 0) return result;
  const uint64_t last = bytes_read() + result.bytes - 1;
  for (base::UniqueFd& fd : fds) {
    // Those that are here already came with earlier bytes of the same frame.
    if (read_.arrived_fds.size() >= most) break;
    read_.arrived_fds.push_back({last, base::MakeRef<base::SharedFd>(std::move(fd))});
  }
  return result;
}

void Connection::TakeFrameFds() {
  const uint64_t end = bytes_read() - read_.reader.pending();
  auto it = read_.arrived_fds.begin();
  for (; it != read_.arrived_fds.end() && it->position < end; ++it) {
    read_.frame_fds.push_back(std::move(it->fd));
  }
  read_.arrived_fds.erase(read_.arrived_fds.begin(), it);
}

void Connection::AttachFd(uint8_t index, RemoteCapability& import) {
  if (index == kNoFd || index >= read_.frame_fds.size() || !read_.frame_fds[index]) return;
  if (index >= terms_->limits.max_fds_per_message) return;  // memory to be shared was expected
  if (state_.import_fds >= terms_->limits.max_fds) return;
  if (import.AttachFd(read_.frame_fds[index])) ++state_.import_fds;
}

void Connection::DescribeFd(const Capability& capability, protocol::CapDescriptor::Builder out) {
  base::Ref<base::SharedFd> fd = capability.AttachedFd();
  if (!fd || state_.fds.size() >= kNoFd) return;
  out.setAttachedFd(static_cast<uint8_t>(state_.fds.size()));
  state_.fds.push_back(std::move(fd));
}

}  // namespace drover::rpc
