#include "drover/transport/shared_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/base/fork_generation.h"
#include "drover/base/status_macros.h"
#include "drover/transport/sealed_memory.h"

namespace drover::transport {
namespace {

constexpr uint64_t kMagic = 0x616e657261766f72;  // "rovarena"
constexpr size_t kHeaderBytes = 64 * 1024;       // whole pages, however large they are
constexpr size_t kGrain = kHeaderBytes;          // the same

// Who has a block: its builder, and how many readers, at either end.
constexpr uint32_t kBuilder = 1;
constexpr uint32_t kReader = 2;

bool IsWithin(uint64_t offset, uint64_t bytes) {
  constexpr uint64_t kBytes = SharedArena::kRegionBytes;
  return offset % sizeof(uint64_t) == 0 && offset <= kBytes && bytes <= kBytes - offset;
}

}  // namespace

struct SharedArena::Header {
  uint64_t magic;
  uint64_t region_bytes;
  std::atomic<uint32_t> opened;  // not 0: the taker has it
  // Of the maker's region and the taker's. Both ends write to both: the one who sends when it
  // takes, hands over and gives back, the one who receives when it releases.
  Holds holds[2];
};

absl::StatusOr<SharedArena::Made> SharedArena::Make() {
  static_assert(sizeof(Header) <= kHeaderBytes);
  DROVER_ASSIGN_OR_RETURN(base::UniqueFd fd,
                          MakeSealedMemory("drover-arena", kHeaderBytes + 2 * kRegionBytes));
  DROVER_ASSIGN_OR_RETURN(base::Ref<SharedArena> arena, Map(fd.get(), /*maker=*/true));
  auto* const header = new (arena->base_) Header{};
  header->region_bytes = kRegionBytes;
  header->magic = kMagic;
  return Made{std::move(arena), std::move(fd)};
}

absl::StatusOr<base::Ref<SharedArena>> SharedArena::Open(int fd) {
  DROVER_ASSIGN_OR_RETURN(const uint64_t bytes, SizeOfSealedMemory(fd));
  if (bytes != kHeaderBytes + 2 * kRegionBytes) {
    return BadMemory(absl::StrCat("for large messages has ", bytes, " bytes; ",
                                  kHeaderBytes + 2 * kRegionBytes, " were expected"));
  }
  DROVER_ASSIGN_OR_RETURN(base::Ref<SharedArena> arena, Map(fd, /*maker=*/false));
  const auto* const header = static_cast<const Header*>(arena->base_);
  if (header->magic != kMagic || header->region_bytes != kRegionBytes) {
    return BadMemory("for large messages has a layout that is not known here");
  }
  arena->opened_->store(1, std::memory_order_release);
  return arena;
}

absl::StatusOr<base::Ref<SharedArena>> SharedArena::Map(int fd, bool maker) {
  constexpr size_t kBytes = kHeaderBytes + 2 * kRegionBytes;
  void* const base = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) {
    return OutOfMemory("cannot map the memory that is shared for large messages");
  }
  auto arena = base::Ref<SharedArena>::Adopt(new SharedArena);
  auto* const at = static_cast<std::byte*>(base);
  auto* const header = static_cast<Header*>(base);
  std::byte* const first = at + kHeaderBytes;
  std::byte* const second = first + kRegionBytes;
  in_use_.store(true, std::memory_order_relaxed);
  arena->base_ = base;
  arena->out_ = maker ? first : second;
  arena->in_ = maker ? second : first;
  arena->out_holds_ = &header->holds[maker ? 0 : 1];
  arena->in_holds_ = &header->holds[maker ? 1 : 0];
  arena->opened_ = &header->opened;
  arena->fork_generation_ = base::ForkGeneration();
  // What the peer builds is only read here. If this fails, nobody writes there all the same.
  mprotect(maker ? second : first, kRegionBytes, PROT_READ);
  return arena;
}

SharedArena::~SharedArena() {
  // In a child something else may be mapped there by now.
  if (!InForkedChild()) munmap(base_, kHeaderBytes + 2 * kRegionBytes);
}

bool SharedArena::InForkedChild() const { return base::ForkGeneration() != fork_generation_; }

// --- who sends ----------------------------------------------------------------------------------

void SharedArena::Sweep() {
  for (uint32_t i = 0; i < kBlocks; ++i) {
    if (places_[i].bytes != 0 && (*out_holds_)[i].load(std::memory_order_acquire) == 0) {
      places_[i] = {};
      dirty_ = true;
    }
  }
}

bool SharedArena::Overlaps(size_t offset, size_t bytes) const {
  return std::ranges::any_of(places_, [&](const Place& place) {
    return place.bytes != 0 && offset < place.offset + place.bytes && place.offset < offset + bytes;
  });
}

size_t SharedArena::Fit(size_t bytes) const {
  if (!Overlaps(0, bytes)) return 0;
  size_t best = kRegionBytes;
  for (const Place& place : places_) {
    const size_t behind = place.offset + place.bytes;
    if (place.bytes != 0 && behind < best && behind + bytes <= kRegionBytes &&
        !Overlaps(behind, bytes)) {
      best = behind;
    }
  }
  return best;
}

SharedArena::Block SharedArena::Take(size_t bytes) {
  if (bytes == 0 || bytes > kRegionBytes || InForkedChild()) return {};
  Block block;
  Watch watch;
  {
    base::MutexLock lock(&mu_);
    block = TakeLocked((bytes + kGrain - 1) & ~(kGrain - 1));
    if (block.data == nullptr) return {};
    used_ = true;
    if (watch_ != nullptr && !std::exchange(watched_, true)) watch = watch_;
  }
  if (watch) watch(base::Ref<SharedArena>::Share(this));
  return block;
}

SharedArena::Block SharedArena::TakeLocked(size_t bytes) {
  Sweep();
  const auto free =
      std::ranges::find_if(places_, [](const Place& place) { return place.bytes == 0; });
  if (free == places_.end()) return {};
  const size_t offset = Fit(bytes);
  if (offset == kRegionBytes) return {};
  *free = {.offset = offset, .bytes = bytes};
  const auto index = static_cast<uint32_t>(free - places_.begin());
  (*out_holds_)[index].store(kBuilder, std::memory_order_relaxed);
  return {.data = out_ + offset, .bytes = bytes, .index = index, .offset = offset};
}

void SharedArena::HandOver(uint32_t index) {
  if (!InForkedChild()) (*out_holds_)[index].fetch_add(kReader, std::memory_order_relaxed);
}

void SharedArena::Give(uint32_t index) {
  if (!InForkedChild()) (*out_holds_)[index].fetch_sub(kBuilder, std::memory_order_release);
}

bool SharedArena::AreUnused() {
  if (InForkedChild()) return true;
  base::MutexLock lock(&mu_);
  if (std::exchange(used_, false)) return false;
  Sweep();
  const bool any =
      std::ranges::any_of(places_, [](const Place& place) { return place.bytes != 0; });
  if (std::exchange(dirty_, false)) GiveBack();
  if (!any) watched_ = false;
  return !any;
}

void SharedArena::GiveBack() {
  size_t from = 0;
  while (from < kRegionBytes) {
    // The block that lies next, if any.
    Place next{.offset = kRegionBytes, .bytes = 0};
    for (const Place& place : places_) {
      if (place.bytes != 0 && place.offset >= from && place.offset < next.offset) next = place;
    }
    if (next.offset > from) madvise(out_ + from, next.offset - from, MADV_REMOVE);
    from = next.offset + next.bytes;
  }
}

void SharedArena::StopWatching() {
  if (InForkedChild()) return;
  base::MutexLock lock(&mu_);
  watch_ = nullptr;
}

size_t SharedArena::blocks_in_use() {
  base::MutexLock lock(&mu_);
  Sweep();
  return std::ranges::count_if(places_, [](const Place& place) { return place.bytes != 0; });
}

// --- who receives -------------------------------------------------------------------------------

const std::byte* SharedArena::At(uint64_t offset, uint64_t bytes) const {
  return IsWithin(offset, bytes) ? in_ + offset : nullptr;
}

const std::byte* SharedArena::OwnAt(uint64_t offset, uint64_t bytes) const {
  return IsWithin(offset, bytes) ? out_ + offset : nullptr;
}

void SharedArena::Lend(uint32_t index) {
  if (!InForkedChild()) (*in_holds_)[index].fetch_add(kReader, std::memory_order_relaxed);
}

void SharedArena::ReleaseOwn(uint32_t index) {
  if (!InForkedChild()) (*out_holds_)[index].fetch_sub(kReader, std::memory_order_release);
}

void SharedArena::Release(uint32_t index) {
  if (!InForkedChild()) (*in_holds_)[index].fetch_sub(kReader, std::memory_order_release);
}

}  // namespace drover::transport
