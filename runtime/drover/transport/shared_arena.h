// Memory beside the rings (shared_memory.h) for large messages between two processes that trust
// each other: built in place by the one, read in place by the other, copied by neither.
//
//   DROVER_ASSIGN_OR_RETURN(SharedArena::Made made, SharedArena::Make());     // at one end
//   DROVER_ASSIGN_OR_RETURN(base::Ref<SharedArena> arena, SharedArena::Open(fd));  // at the other
//
//   SharedArena::Block block = arena->Take(bytes);         // who sends
//   ... fills block.data; arena->HandOver(block.index); tells the peer index and offset ...
//   arena->Give(block.index);                              // needs it no more
//
//   const std::byte* data = arena->At(offset, bytes);      // who receives
//   ... reads ...; arena->Release(index);
//
// Each direction has a region of 16 MiB, of which pages count once they were written to, and a
// table of 64 blocks. A block is free again when its builder has given it back and the peer has
// released it. The sender alone knows where blocks lie; the peer writes to nothing but the table.
//
// What is read may change while it is read: a peer that is not trusted must not have one. A child
// of fork() finds the memory, and neither takes blocks nor gives any back.
//
// Thread-safe. Reference-counted: messages and frames that lie in it keep it, beyond their
// connection. Never blocks.
#ifndef DROVER_TRANSPORT_SHARED_ARENA_H_
#define DROVER_TRANSPORT_SHARED_ARENA_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "drover/base/mutex.h"
#include "drover/base/ref.h"
#include "drover/base/unique_fd.h"

namespace drover::transport {

class SharedArena final : public base::RefCounted {
 public:
  static constexpr size_t kRegionBytes = 16 << 20;
  static constexpr uint32_t kBlocks = 64;

  struct Made;
  struct Block {
    std::byte* data = nullptr;  // aligned as pages are; null: there is no room
    size_t bytes = 0;           // what was asked for, or more
    uint32_t index = 0;
    size_t offset = 0;  // in the region
  };

  // Errors: ResourceExhausted where memory or descriptors are short; Unavailable where the kernel
  // has no memory that can be sealed.
  static absl::StatusOr<Made> Make();
  // What another process made. Errors: InvalidArgument naming what is wrong with it;
  // ResourceExhausted.
  static absl::StatusOr<base::Ref<SharedArena>> Open(int fd);

  // Whether this process has had any: most have none.
  static bool InUse() { return in_use_.load(std::memory_order_relaxed); }

  // Of any content; the least offset that has room, where memory is likeliest to be warm.
  Block Take(size_t bytes);
  // The peer has it from now on, too, until it releases it.
  void HandOver(uint32_t index);
  void Give(uint32_t index);

  // Where the peer's bytes are; null if they are not within its region, or not at a whole word.
  const std::byte* At(uint64_t offset, uint64_t bytes) const;
  void Release(uint32_t index);

  // Whether somebody has to see to it, by calling AreUnused now and then until that is true, that
  // memory which is not used goes back to the system. True once for each time.
  [[nodiscard]] bool WantsWatch() { return !watched_.exchange(true, std::memory_order_relaxed); }
  // True if no block was taken since it was last called: memory outside of blocks has been given
  // back, and nobody need watch until one is.
  [[nodiscard]] bool AreUnused();

  // Blocks that are not free; for tests and statistics.
  size_t blocks_in_use();

 private:
  struct Header;
  using Holds = std::array<std::atomic<uint32_t>, kBlocks>;
  struct Place {
    size_t offset = 0;
    size_t bytes = 0;  // 0: the block is free
  };

  SharedArena() = default;
  ~SharedArena() override;
  static absl::StatusOr<base::Ref<SharedArena>> Map(int fd, bool maker);
  bool InForkedChild() const;
  void Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The first place of so many bytes that overlaps no block; kRegionBytes for none.
  size_t Fit(size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Overlaps(size_t offset, size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  static inline std::atomic<bool> in_use_{false};

  void* base_ = nullptr;
  std::byte* out_ = nullptr;
  const std::byte* in_ = nullptr;
  Holds* out_holds_ = nullptr;
  Holds* in_holds_ = nullptr;
  uint32_t fork_generation_ = 0;
  std::atomic<bool> used_{false};
  std::atomic<bool> watched_{false};

  base::Mutex mu_;
  std::array<Place, kBlocks> places_ ABSL_GUARDED_BY(mu_);
};

struct SharedArena::Made {
  base::Ref<SharedArena> arena;
  base::UniqueFd fd;  // for the other end
};

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_SHARED_ARENA_H_
