#include "drover/wire/spare_memory.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "drover/base/fork_generation.h"
#include "drover/base/sanitizer.h"

#ifdef DROVER_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace drover::wire {
namespace {

// Sizes that pieces are made in: 64 KiB, 128 KiB... 4 MiB, and what a message has beside its data.
constexpr size_t kLeastSize = 64 * 1024;
constexpr size_t kBeside = 8 * 1024;
constexpr size_t kSizes = 7;
constexpr size_t kSlots = 4;
static_assert(SpareMemory::kMostPiece == (kLeastSize << (kSizes - 1)) + kBeside);

constexpr size_t SizeAt(size_t index) { return (kLeastSize << index) + kBeside; }

bool IsKept(size_t bytes) {
  return bytes >= SpareMemory::kLeastPiece && bytes <= SpareMemory::kMostPiece;
}

// The least size that has room.
size_t IndexFor(size_t bytes) {
  if (bytes <= SizeAt(0)) return 0;
  return std::bit_width((bytes - kBeside - 1) / kLeastSize);
}

size_t Rounded(size_t bytes) { return IsKept(bytes) ? SizeAt(IndexFor(bytes)) : bytes; }

// A slot belongs to whoever exchanges its pointer for another. Without a lock, so that a child made
// by fork() finds none held.
struct Spare {
  std::array<std::array<std::atomic<std::byte*>, kSlots>, kSizes> slots{};
  std::atomic<size_t> bytes{0};
  std::atomic<uint64_t> keeper{0};  // the process that keeps them, by ForkGeneration; 0: nobody
  std::atomic<bool> used{false};
};
Spare spare;

uint64_t ThisProcess() { return uint64_t{base::ForkGeneration()} + 1; }

bool Keeps() { return spare.keeper.load(std::memory_order_seq_cst) == ThisProcess(); }

// Whoever reads or writes memory that lies spare is found out.
void Hide([[maybe_unused]] Memory memory) {
#ifdef DROVER_ASAN
  __asan_poison_memory_region(memory.data, memory.size);
#endif
}
void Unhide([[maybe_unused]] Memory memory) {
#ifdef DROVER_ASAN
  __asan_unpoison_memory_region(memory.data, memory.size);
#endif
}

Memory Checked(void* data, size_t size) {
  if (data == nullptr) throw std::bad_alloc();
  return {static_cast<std::byte*>(data), size};
}

Memory TakeFrom(size_t index) {
  for (std::atomic<std::byte*>& slot : spare.slots[index]) {
    if (slot.load(std::memory_order_relaxed) == nullptr) continue;
    const Memory memory{slot.exchange(nullptr, std::memory_order_seq_cst), SizeAt(index)};
    if (memory.data == nullptr) continue;
    spare.bytes.fetch_sub(memory.size, std::memory_order_relaxed);
    Unhide(memory);
    return memory;
  }
  return {};
}

bool Put(Memory memory, size_t index) {
  if (spare.bytes.fetch_add(memory.size, std::memory_order_relaxed) + memory.size <=
      SpareMemory::kMostBytes) {
    Hide(memory);
    for (std::atomic<std::byte*>& slot : spare.slots[index]) {
      std::byte* none = nullptr;
      if (slot.compare_exchange_strong(none, memory.data, std::memory_order_seq_cst)) return true;
    }
    Unhide(memory);
  }
  spare.bytes.fetch_sub(memory.size, std::memory_order_relaxed);
  return false;
}

void GiveAllBack() {
  for (size_t index = 0; index < kSizes; ++index) {
    for (Memory memory = TakeFrom(index); memory.data != nullptr; memory = TakeFrom(index)) {
      std::free(memory.data);
    }
  }
}

}  // namespace

Memory SpareMemory::TakeSpare(size_t bytes) {
  if (!IsKept(bytes)) return {};
  if (bytes > SizeAt(0))
    spare.used.store(true, std::memory_order_relaxed);  // readers take the least
  if (spare.bytes.load(std::memory_order_relaxed) == 0) return {};
  return TakeFrom(IndexFor(bytes));
}

Memory SpareMemory::Take(size_t bytes) {
  if (const Memory memory = TakeSpare(bytes); memory.data != nullptr) return memory;
  const size_t size = Rounded(bytes);
  return Checked(std::malloc(size), size);
}

Memory SpareMemory::TakeZeroed(size_t bytes) {
  if (const Memory memory = TakeSpare(bytes); memory.data != nullptr) {
    std::memset(memory.data, 0, bytes);
    return memory;
  }
  const size_t size = Rounded(bytes);
  return Checked(std::calloc(size, 1), size);
}

Memory SpareMemory::Grow(Memory memory, size_t bytes) {
  if (const Memory larger = TakeSpare(bytes); larger.data != nullptr) {
    std::memcpy(larger.data, memory.data, memory.size);
    Give(memory);
    return larger;
  }
  const size_t size = Rounded(bytes);
  return Checked(std::realloc(memory.data, size), size);
}

void SpareMemory::Give(Memory memory) {
  // Of another size are those that were made too small or too large to be kept.
  if (IsKept(memory.size) && Rounded(memory.size) == memory.size && Keeps() &&
      Put(memory, IndexFor(memory.size))) {
    if (!Keeps()) GiveAllBack();  // it came after those that were given back
    return;
  }
  std::free(memory.data);
}

bool SpareMemory::Keep() {
  const uint64_t self = ThisProcess();
  if (spare.keeper.load(std::memory_order_relaxed) == self) return false;
  return spare.keeper.exchange(self, std::memory_order_seq_cst) != self;
}

bool SpareMemory::AreUnused() {
  if (spare.used.exchange(false, std::memory_order_relaxed)) return false;
  StopKeeping();
  return true;
}

void SpareMemory::StopKeeping() {
  spare.keeper.store(0, std::memory_order_seq_cst);
  GiveAllBack();
}

size_t SpareMemory::spare_bytes() { return spare.bytes.load(std::memory_order_relaxed); }

}  // namespace drover::wire
