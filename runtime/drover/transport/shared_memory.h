// The memory that two ends of a connection on one host share: two rings of bytes, one for each
// direction, and the words by which each end tells the other how far it has come.
//
//   DROVER_ASSIGN_OR_RETURN(auto made, SharedMemory::Make(256 << 10));   // at one end
//   ... its descriptor goes to the other, over a UNIX socket ...
//   DROVER_ASSIGN_OR_RETURN(auto memory, SharedMemory::Open(fd, most));    // at the other end
//
// The memory has no name (memfd), so nothing is left of it when the last end is gone, however that
// ended, and it is sealed: its size cannot change under the one who reads it. Each ring is mapped
// twice, one behind the other, so that what wraps around its end lies in one piece all the same.
// The ring that comes in is mapped for reading alone. Pages cost nothing until they are written to.
//
// A child of fork() has none of it (MADV_DONTFORK).
//
// Thread-compatible; the words are atomics. Ownership: owns the mapping. Never blocks.
#ifndef DROVER_TRANSPORT_SHARED_MEMORY_H_
#define DROVER_TRANSPORT_SHARED_MEMORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "drover/base/unique_fd.h"

namespace drover::transport {

// One direction. Positions count bytes from the beginning, and are multiples of 8.
struct Lane {
  // Written by who writes to the ring...
  alignas(64) std::atomic<uint64_t> head;  // up to here it has been written
  std::atomic<uint32_t> wants_room;        // not 0: ring the bell once there is room
  // ... and by who reads from it.
  alignas(64) std::atomic<uint64_t> tail;  // up to here it has been read
  std::atomic<uint32_t> asleep;            // not 0: ring the bell once there is something to read
  std::atomic<uint32_t> listens;           // not 0: it reads from the ring, and not the socket
  std::atomic<uint32_t> notices;           // of descriptors, that it has taken off the socket
};

class SharedMemory {
 public:
  struct Made;

  // Which end: the one that made it sends on the first ring, the other on the second.
  enum class End { kMaker, kTaker };

  // `ring_bytes`: of each direction, a power of two and a multiple of the page size. Errors:
  // ResourceExhausted where memory or descriptors are short; Unavailable where the kernel has no
  // memory that can be sealed.
  static absl::StatusOr<Made> Make(size_t ring_bytes);

  // What another process made. Errors: InvalidArgument naming what is wrong with it: not sealed, of
  // another size or layout, or larger than `most_ring_bytes` a ring; ResourceExhausted.
  static absl::StatusOr<std::unique_ptr<SharedMemory>> Open(int fd, size_t most_ring_bytes);

  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  size_t ring_bytes() const { return ring_bytes_; }
  // What this end writes to; ring_bytes from any position may be written in one piece.
  std::byte* out() const { return out_; }
  const std::byte* in() const { return in_; }
  Lane& out_lane() const { return *out_lane_; }
  Lane& in_lane() const { return *in_lane_; }

 private:
  SharedMemory() = default;
  static absl::StatusOr<std::unique_ptr<SharedMemory>> Map(int fd, size_t ring_bytes, End end);

  void* base_ = nullptr;  // of all that is mapped
  size_t mapped_ = 0;
  size_t ring_bytes_ = 0;
  std::byte* out_ = nullptr;
  const std::byte* in_ = nullptr;
  Lane* out_lane_ = nullptr;
  Lane* in_lane_ = nullptr;
  uint32_t fork_generation_ = 0;
};

struct SharedMemory::Made {
  std::unique_ptr<SharedMemory> memory;
  base::UniqueFd fd;  // for the other end
};

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_SHARED_MEMORY_H_
