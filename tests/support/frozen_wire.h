// A connection's two ends with the test between them: a frame that one end has written reaches the
// other when the test lets it pass, and not before.
//
//   FrozenWire wire;
//   auto a = Connection::Create(SocketStream::Make(wire.TakeEnd(0), "unix"), ...);   // and end 1
//   wire.AwaitFrame(0);                  // what end 0 sent is here, and held
//   wire.Pass(0);                        // goes on to end 1
//
// Not thread-safe; the ends may be used by any thread. AwaitFrame blocks; nothing else does.
#ifndef DROVER_TESTS_SUPPORT_FROZEN_WIRE_H_
#define DROVER_TESTS_SUPPORT_FROZEN_WIRE_H_

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "drover/base/unique_fd.h"
#include "drover/wire/frame_header.h"

namespace drover::testing_support {

class FrozenWire {
 public:
  FrozenWire() {
    for (size_t end : {0, 1}) {
      int fds[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) abort();
      ends_[end].Reset(fds[0]);
      ours_[end].Reset(fds[1]);
    }
  }

  base::UniqueFd TakeEnd(size_t end) { return std::move(ends_[end]); }

  // Lets the oldest frame of this end pass; false if it has written none, or has closed.
  bool Pass(size_t from) {
    Collect(from);
    std::vector<std::byte>& held = held_[from];
    const size_t size = FrameSize(held);
    if (size == 0) return false;
    // Frames of tests fit into a socket's buffer. An end that is gone takes nothing.
    (void)!send(ours_[1 - from].get(), held.data(), size, MSG_NOSIGNAL);
    held.erase(held.begin(), held.begin() + static_cast<ptrdiff_t>(size));
    return true;
  }

  // Waits until so many frames of this end are held; false if it closes before.
  bool AwaitFrame(size_t from, size_t count = 1) {
    for (;;) {
      const bool open = Collect(from);
      if (HeldFrames(from) >= count) return true;
      if (!open) return false;
      pollfd readable{.fd = ours_[from].get(), .events = POLLIN, .revents = 0};
      poll(&readable, 1, -1);
    }
  }

  // The oldest frame of this end that is held; empty if there is none. Good until the next call.
  std::span<const std::byte> Oldest(size_t from) {
    Collect(from);
    return std::span(held_[from]).first(FrameSize(held_[from]));
  }

 private:
  size_t HeldFrames(size_t from) const {
    size_t count = 0;
    std::span<const std::byte> rest = held_[from];
    while (const size_t size = FrameSize(rest)) {
      rest = rest.subspan(size);
      ++count;
    }
    return count;
  }
  // Takes what an end has written; false once it has closed.
  bool Collect(size_t from) {
    for (std::byte buffer[4096];;) {
      const ssize_t n = recv(ours_[from].get(), buffer, sizeof(buffer), MSG_DONTWAIT);
      if (n <= 0) return n < 0;
      held_[from].insert(held_[from].end(), buffer, buffer + n);
    }
  }
  // Of the first frame; 0 if it is not whole.
  static size_t FrameSize(std::span<const std::byte> bytes) {
    const auto header = wire::ParseFrameHeader(bytes, size_t{1} << 30);
    if (!header.ok() || !header->complete || bytes.size() < header->total_bytes) return 0;
    return header->total_bytes;
  }

  std::array<base::UniqueFd, 2> ends_, ours_;
  std::array<std::vector<std::byte>, 2> held_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_FROZEN_WIRE_H_
