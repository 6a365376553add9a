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
//   arena->Lend(index);                                    // or sends it back, without a copy
//   ... tells the peer index and offset, who reads at OwnAt(offset, bytes) ...
//   arena->ReleaseOwn(index);                              // and is done with it
//
// Each direction has a region of 16 MiB, of which pages count once they were written to, and a
// table of 64 blocks. A block is free again when its builder has given it back and each hold on it
// that was handed over has been released. The sender alone knows where blocks lie; the peer writes
// to nothing but the table.
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
#include <functional>
#include <utility>

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
  // The peer reads a block of its own, on which we have a hold, once more.
  void Lend(uint32_t index);
  const std::byte* OwnAt(uint64_t offset, uint64_t bytes) const;
  void ReleaseOwn(uint32_t index);
  // Of what lies in the peer's region.
  uint64_t OffsetOf(const void* at) const {
    return static_cast<uint64_t>(static_cast<const std::byte*>(at) - in_);
  }

  // Called when a block is taken and nobody watches, to see to it that memory which is not used
  // goes back to the system: by calling AreUnused now and then until that is true. Before it is
  // shared with other threads; may be called on any of them, with locks held.
  using Watch = std::function<void(base::Ref<SharedArena>)>;
  void set_watch(Watch watch) {
    base::MutexLock lock(&mu_);
    watch_ = std::move(watch);
  }
  // Whoever was to watch will be there no more.
  void StopWatching();
  // True if there are no blocks, and none was taken since it was last called. Memory outside of
  // blocks is given back where none was taken.
  [[nodiscard]] bool AreUnused();

  // Whether the peer has opened it.
  bool peer_has_it() const { return opened_->load(std::memory_order_acquire) != 0; }

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
  Block TakeLocked(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GiveBack() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The first place of so many bytes that overlaps no block; kRegionBytes for none.
  size_t Fit(size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Overlaps(size_t offset, size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  static inline std::atomic<bool> in_use_{false};

  void* base_ = nullptr;
  std::byte* out_ = nullptr;
  const std::byte* in_ = nullptr;
  Holds* out_holds_ = nullptr;
  Holds* in_holds_ = nullptr;
  std::atomic<uint32_t>* opened_ = nullptr;
  uint32_t fork_generation_ = 0;

  base::Mutex mu_;
  Watch watch_ ABSL_GUARDED_BY(mu_);
  bool used_ ABSL_GUARDED_BY(mu_) = false;  // since the last look
  bool watched_ ABSL_GUARDED_BY(mu_) = false;
  bool dirty_ ABSL_GUARDED_BY(mu_) = false;  // memory outside of blocks may have been used
  std::array<Place, kBlocks> places_ ABSL_GUARDED_BY(mu_);
};

struct SharedArena::Made {
  base::Ref<SharedArena> arena;
  base::UniqueFd fd;  // for the other end
};

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_SHARED_ARENA_H_
