#include "drover/transport/shared_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/base/fork_generation.h"
#include "drover/base/status_macros.h"
#include "drover/transport/sealed_memory.h"

namespace drover::transport {
namespace {

constexpr uint64_t kMagic = 0x676e697265766f72;  // "rovering"
constexpr uint32_t kLayout = 1;
// The first page. The rings follow: that of the maker's, then that of the taker's.
struct Header {
  uint64_t magic;
  uint32_t layout;
  uint32_t ring_bytes;
  Lane lanes[2];
};

static_assert(std::atomic<uint64_t>::is_always_lock_free);
static_assert(std::atomic<uint32_t>::is_always_lock_free);

size_t PageBytes() {
  static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

absl::StatusOr<SharedMemory::Made> SharedMemory::Make(size_t ring_bytes) {
  DROVER_ASSIGN_OR_RETURN(base::UniqueFd fd,
                          MakeSealedMemory("drover-rings", PageBytes() + 2 * ring_bytes));
  DROVER_ASSIGN_OR_RETURN(std::unique_ptr<SharedMemory> memory,
                          Map(fd.get(), ring_bytes, End::kMaker));
  auto* header = new (memory->base_) Header{};
  header->layout = kLayout;
  header->ring_bytes = static_cast<uint32_t>(ring_bytes);
  header->magic = kMagic;
  return Made{std::move(memory), std::move(fd)};
}

absl::StatusOr<std::unique_ptr<SharedMemory>> SharedMemory::Open(int fd, size_t most_ring_bytes) {
  DROVER_ASSIGN_OR_RETURN(const uint64_t size, SizeOfSealedMemory(fd));
  if (size < 3 * PageBytes())
    return BadMemory(absl::StrCat("has ", size, " bytes, which are too few"));
  const uint64_t ring_bytes = (size - PageBytes()) / 2;
  if (!std::has_single_bit(ring_bytes) || PageBytes() + 2 * ring_bytes != size) {
    return BadMemory(absl::StrCat("has ", size, " bytes, which are not two rings"));
  }
  if (ring_bytes > most_ring_bytes) {
    return BadMemory(
        absl::StrCat("has rings of ", ring_bytes, " bytes; the limit is ", most_ring_bytes));
  }
  DROVER_ASSIGN_OR_RETURN(std::unique_ptr<SharedMemory> memory, Map(fd, ring_bytes, End::kTaker));
  const auto* header = static_cast<const Header*>(memory->base_);
  if (header->magic != kMagic || header->layout != kLayout || header->ring_bytes != ring_bytes) {
    return BadMemory("has a layout that is not known here");
  }
  return memory;
}

absl::StatusOr<std::unique_ptr<SharedMemory>> SharedMemory::Map(int fd, size_t ring_bytes,
                                                                End end) {
  static_assert(sizeof(Header) <= 4096);
  const size_t page = PageBytes();
  const size_t bytes = page + 4 * ring_bytes;
  void* const base =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return OutOfMemory("cannot map the memory that is shared");
  std::unique_ptr<SharedMemory> memory(new SharedMemory);
  memory->base_ = base;
  memory->mapped_ = bytes;
  memory->ring_bytes_ = ring_bytes;
  memory->fork_generation_ = base::ForkGeneration();
  auto* const at = static_cast<std::byte*>(base);
  const auto map = [&](size_t to, size_t size, int protection, size_t offset) {
    return mmap(at + to, size, protection, MAP_SHARED | MAP_FIXED, fd,
                static_cast<off_t>(offset)) != MAP_FAILED;
  };
  const size_t first = page;
  const size_t second = page + 2 * ring_bytes;
  const bool maker = end == End::kMaker;
  const int of_first = maker ? PROT_READ | PROT_WRITE : PROT_READ;
  const int of_second = maker ? PROT_READ : PROT_READ | PROT_WRITE;
  if (!map(0, page, PROT_READ | PROT_WRITE, 0) || !map(first, ring_bytes, of_first, page) ||
      !map(first + ring_bytes, ring_bytes, of_first, page) ||
      !map(second, ring_bytes, of_second, page + ring_bytes) ||
      !map(second + ring_bytes, ring_bytes, of_second, page + ring_bytes)) {
    return OutOfMemory("cannot map the memory that is shared");
  }
  // If it fails, a child has the mapping, and touches it as little.
  madvise(base, bytes, MADV_DONTFORK);
  auto* const header = static_cast<Header*>(base);
  memory->out_ = at + (maker ? first : second);
  memory->in_ = at + (maker ? second : first);
  memory->out_lane_ = &header->lanes[maker ? 0 : 1];
  memory->in_lane_ = &header->lanes[maker ? 1 : 0];
  return memory;
}

SharedMemory::~SharedMemory() {
  // In a child something else may be mapped there by now.
  if (base::ForkGeneration() == fork_generation_) munmap(base_, mapped_);
}

}  // namespace drover::transport
