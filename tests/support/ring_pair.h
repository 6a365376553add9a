// Two ends of shared memory, with the socket beside it.
#ifndef DROVER_TESTS_SUPPORT_RING_PAIR_H_
#define DROVER_TESTS_SUPPORT_RING_PAIR_H_

#include <sys/socket.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "drover/base/unique_fd.h"
#include "drover/transport/shared_memory.h"
#include "drover/transport/shared_memory_stream.h"
#include "drover/transport/socket_stream.h"

namespace drover::testing_support {

struct RingPair {
  explicit RingPair(size_t ring_bytes = 64 << 10, bool reading = true) {
    const auto pair = [] {
      int fds[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) abort();
      return std::pair(base::UniqueFd(fds[0]), base::UniqueFd(fds[1]));
    };
    auto [socket, other_socket] = pair();
    auto [bell, other_bell] = pair();
    auto made = transport::SharedMemory::Make(ring_bytes).value();
    memory = std::move(made.fd);
    maker = Stream(std::move(made.memory), std::move(bell), std::move(socket));
    taker = Stream(transport::SharedMemory::Open(memory.get(), ring_bytes).value(),
                   std::move(other_bell), std::move(other_socket));
    if (!reading) return;
    maker->BeginReading();
    taker->BeginReading();
  }

  static std::unique_ptr<transport::SharedMemoryStream> Stream(
      std::unique_ptr<transport::SharedMemory> memory, base::UniqueFd bell, base::UniqueFd socket) {
    std::shared_ptr<transport::ByteStream> kept =
        transport::SocketStream::Make(std::move(socket), "unix");
    transport::ByteStream& stream = *kept;
    return std::make_unique<transport::SharedMemoryStream>(std::move(memory), std::move(bell),
                                                           stream, std::move(kept));
  }

  base::UniqueFd memory;
  std::unique_ptr<transport::SharedMemoryStream> maker;
  std::unique_ptr<transport::SharedMemoryStream> taker;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_RING_PAIR_H_
