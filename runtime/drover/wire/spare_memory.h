// Memory for large messages, kept for the next one. What the system gives anew it has to clear, and
// to map page by page, which costs more than to copy as much.
//
//   const Memory memory = SpareMemory::Take(100'000);   // of any content
//   ...
//   SpareMemory::Give(memory);
//
// Pieces from 64 KiB to 4 MiB are kept, 8 MiB in all at most, for the whole process, and only while
// somebody sees to it that they are given back when large messages have ceased (Keep; a connection
// does, after about a second).
//
// Thread-safe; takes no lock. Ownership: a piece belongs to whoever took it. Errors: throws
// std::bad_alloc. Never blocks.
#ifndef DROVER_WIRE_SPARE_MEMORY_H_
#define DROVER_WIRE_SPARE_MEMORY_H_

#include <cstddef>

namespace drover::wire {

struct Memory {
  std::byte* data = nullptr;  // aligned as malloc's; null for none
  size_t size = 0;            // what was asked for, or more
};

class SpareMemory {
 public:
  static constexpr size_t kLeastPiece = 64 * 1024;
  static constexpr size_t kMostPiece = (4 << 20) + 8 * 1024;  // a message of 4 MiB fits
  static constexpr size_t kMostBytes = 8 << 20;
  // So much of a message at once tells that there are large ones.
  static constexpr size_t kLargePart = 32 * 1024;

  // Its content may be anything that was in memory before.
  static Memory Take(size_t bytes);
  // The first `bytes` are zero.
  static Memory TakeZeroed(size_t bytes);
  // As Take, of what lies spare: the process gets no larger. Null if nothing does.
  static Memory TakeSpare(size_t bytes);
  // The same content, in more memory.
  static Memory Grow(Memory memory, size_t bytes);
  static void Give(Memory memory);

  // From now on pieces are kept. True if they were not before (in this process, not in one that it
  // was forked from): whoever is told so calls AreUnused now and then, until that is true.
  [[nodiscard]] static bool Keep();
  // True if none was asked for since it was last called: none is kept any more, and those that were
  // are given back.
  [[nodiscard]] static bool AreUnused();
  // Nobody will call AreUnused any more.
  static void StopKeeping();

  static size_t spare_bytes();
};

}  // namespace drover::wire

#endif  // DROVER_WIRE_SPARE_MEMORY_H_
