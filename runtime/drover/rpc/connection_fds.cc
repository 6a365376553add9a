// Descriptors that travel with messages, over UNIX sockets.
//
// A frame that carries some is a write of its own, both here and in the stock runtime, so the
// kernel hands them over with a read that ends inside that frame or at its end.
// CapDescriptor.attachedFd is an index into the descriptors of its frame.
#include <utility>

#include "drover/rpc/connection.h"
#include "drover/rpc/remote_capability.h"

namespace drover::rpc {
namespace {

constexpr uint8_t kNoFd = 0xff;

}  // namespace

transport::IoResult Connection::ReadWithFds(std::span<std::byte> space, transport::Wait wait) {
  const size_t most = options_.limits.max_fds_per_message;
  std::vector<base::UniqueFd> fds;
  const transport::IoResult result = stream_->ReadWithFds(space, wait, most, &fds);
  if (result.bytes == 0) return result;
  const uint64_t last = bytes_read() + result.bytes - 1;
  for (base::UniqueFd& fd : fds) {
    // Those that are here already came with earlier bytes of the same frame.
    if (arrived_fds_.size() >= most) break;
    arrived_fds_.push_back({last, base::MakeRef<base::SharedFd>(std::move(fd))});
  }
  return result;
}

void Connection::TakeFrameFds() {
  const uint64_t end = bytes_read() - reader_.pending();
  auto it = arrived_fds_.begin();
  for (; it != arrived_fds_.end() && it->position < end; ++it) {
    frame_fds_.push_back(std::move(it->fd));
  }
  arrived_fds_.erase(arrived_fds_.begin(), it);
}

void Connection::AttachFd(uint8_t index, RemoteCapability& import) {
  if (index == kNoFd || index >= frame_fds_.size() || !frame_fds_[index]) return;
  if (state_.import_fds >= options_.limits.max_fds) return;
  if (import.AttachFd(frame_fds_[index])) ++state_.import_fds;
}

void Connection::DescribeFd(const Capability& capability, protocol::CapDescriptor::Builder out) {
  base::Ref<base::SharedFd> fd = capability.AttachedFd();
  if (!fd || state_.fds.size() >= kNoFd) return;
  out.setAttachedFd(static_cast<uint8_t>(state_.fds.size()));
  state_.fds.push_back(std::move(fd));
}

}  // namespace drover::rpc
