// A connected, reliable stream of bytes: what a connection reads from and writes to.
//
// The seam where tests inject faults: a connection knows nothing else of the network.
//
// Thread-safe in this sense: one thread may read while another writes and any thread calls
// Shutdown. Never blocks, but for Read with Wait::kBlock. Errors are errno values in IoResult.
#ifndef DROVER_TRANSPORT_BYTE_STREAM_H_
#define DROVER_TRANSPORT_BYTE_STREAM_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "drover/base/unique_fd.h"

namespace drover::transport {

// What one read or write did. Exactly one of these holds:
//   bytes > 0        so many bytes were moved
//   end              the peer will send no more (reads only)
//   would_block      nothing could be moved now, or within the read limit after Wait::kBlock
//   error != 0       the stream is broken; the errno value, and for one that the peer is to blame
//                    for, a reason in words
struct IoResult {
  size_t bytes = 0;
  int error = 0;
  bool end = false;
  bool would_block = false;
  const char* reason = nullptr;
};

enum class Wait { kDontBlock, kBlock };

// Who is at the other end, as far as the kernel tells.
struct PeerInfo {
  std::string address;       // "unix", or "127.0.0.1:4711"; for messages and the log
  std::optional<pid_t> pid;  // UNIX sockets: of the process that connected or listened
  std::optional<uid_t> uid;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // Reads at least one byte into `into`, unless the result says otherwise. Interrupted system
  // calls are retried.
  virtual IoResult Read(std::span<std::byte> into, Wait wait) = 0;

  // Bounds how long Read with Wait::kBlock waits, from the next Read on. Default: no bound.
  virtual void SetReadLimit(absl::Duration limit) = 0;

  // How long TCP waits for the peer to acknowledge data (or the connection itself) before the
  // stream is broken with ETIMEDOUT; zero is the kernel's own limit, about 15 minutes. Does nothing
  // where there is no network in between.
  virtual void SetTcpUserTimeout(absl::Duration) {}

  // Writes as much as the stream takes now, which may be less than all. Raises no SIGPIPE.
  virtual IoResult Write(std::span<const iovec> from) = 0;

  // Whether descriptors can be passed along with bytes; if not, the two below pass none.
  virtual bool CanPassFds() const { return false; }
  // Reads, and appends the descriptors that came along to `fds`. At most `max_fds` come with one
  // read; the kernel closes the others. They came with bytes of one write of the peer, of which the
  // last byte read is one. (A plain Read has the kernel close all.)
  virtual IoResult ReadWithFds(std::span<std::byte> into, Wait wait, size_t /*max_fds*/,
                               std::vector<base::UniqueFd>* /*fds*/) {
    return Read(into, wait);
  }
  // Writes; if the result has any bytes, the descriptors went with the first of them.
  virtual IoResult WriteWithFds(std::span<const iovec> from, std::span<const int> /*fds*/) {
    return Write(from);
  }

  // Whether it is a UNIX socket, over which the two ends can meet in shared memory
  // (shared_memory_stream.h).
  virtual bool CanShareMemory() const { return false; }

  // Whether this process connected or accepted it, so that peer() tells of who was at the other end
  // then, and not of whoever made a pair of sockets.
  virtual bool MetPeer() const { return false; }

  // Ends both directions; a blocked Read returns. May be called more than once. Does not close
  // the descriptor: the destructor does.
  virtual void Shutdown() = 0;
  // Whether destroying it ends both directions as Shutdown does, and takes it off every epoll: no
  // other process has it open, nor has this one twice.
  virtual bool EndsWhenClosed() const { return false; }

  // For poll and epoll.
  virtual int fd() const = 0;

  virtual const PeerInfo& peer() const = 0;
};

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_BYTE_STREAM_H_
