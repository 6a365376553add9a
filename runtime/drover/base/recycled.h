// Memory for objects that come and go with every call: each thread keeps some blocks of those that
// were deleted there for the next ones.
//
//   class IncomingCall final : public base::Recycled<IncomingCall>, ... {};
//
// Types of about the same size share their blocks; a thread keeps kMostKept of each size at most,
// until it ends. A class derived from T that is larger has its memory from the allocator. With the
// sanitizers all of it is: they know then what was deleted.
// Thread-safe; an object may be deleted on another thread than it was made on.
#ifndef DROVER_BASE_RECYCLED_H_
#define DROVER_BASE_RECYCLED_H_

#include <cstddef>
#include <new>

#include "drover/base/sanitizer.h"

namespace drover::base {

#ifdef DROVER_SANITIZED

template <class T>
class Recycled {};

#else

// Blocks of one size. Without a destructor of its own it can be used for as long as its thread is
// there, whatever else the end of the thread destroys.
template <size_t kBytes>
class BlockCache {
 public:
  static constexpr size_t kMostKept = 64;

  static void* Take() {
    Blocks& blocks = blocks_;
    if (blocks.first == nullptr) return ::operator new(kBytes);
    Block* const block = blocks.first;
    blocks.first = block->next;
    --blocks.count;
    return block;
  }
  static void Give(void* memory) {
    Blocks& blocks = blocks_;
    if (blocks.count == kMostKept || ended_) return ::operator delete(memory);
    if (blocks.count == 0) Emptier::OfThisThread();
    blocks.first = new (memory) Block{blocks.first};
    ++blocks.count;
  }

 private:
  struct Block {
    Block* next;
  };
  struct Blocks {
    Block* first;
    size_t count;
  };
  // Gives the blocks back when the thread ends.
  struct Emptier {
    ~Emptier() {
      ended_ = true;
      while (blocks_.first != nullptr) ::operator delete(Take());
    }
    static void OfThisThread() { thread_local Emptier emptier; }
  };

  static inline thread_local constinit Blocks blocks_{};
  static inline thread_local constinit bool ended_ = false;
};

template <class T>
class Recycled {
 public:
  static void* operator new(size_t size) {
    return size == sizeof(T) ? BlockCache<RoundedSize()>::Take() : ::operator new(size);
  }
  static void operator delete(void* memory, size_t size) {
    if (size == sizeof(T)) return BlockCache<RoundedSize()>::Give(memory);
    ::operator delete(memory);
  }

 private:
  static constexpr size_t RoundedSize() { return (sizeof(T) + 127) / 128 * 128; }
};

#endif

}  // namespace drover::base

#endif  // DROVER_BASE_RECYCLED_H_
