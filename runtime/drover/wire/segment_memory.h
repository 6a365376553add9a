// Memory of a message that is being built: what Cap'n Proto's MallocMessageBuilder is, with large
// segments from spare_memory.h, and with segments for data that is known to be written whole, which
// are not cleared first.
//
//   SegmentMemory message(scratch);
//   auto root = message.initRoot<Root>();
//   base::WholeData whole(size);                  // the next initData or initText of so many bytes
//   std::memcpy(root.initData(size).begin(), from, size);
//
// Between two processes that trust each other large segments come from memory that both have
// (transport/shared_arena.h), as long as there is room: the peer reads them where they were built.
//
// What is sent holds nothing but what was written and zeros: of memory that was used before nothing
// is left.
//
// Thread-compatible. Errors: throws std::bad_alloc. Never blocks.
#ifndef DROVER_WIRE_SEGMENT_MEMORY_H_
#define DROVER_WIRE_SEGMENT_MEMORY_H_

#include <capnp/message.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "drover/base/ref.h"
#include "drover/transport/shared_arena.h"
#include "drover/wire/spare_memory.h"

namespace drover::wire {

class SegmentMemory final : public capnp::MessageBuilder {
 public:
  using Arena = base::Ref<transport::SharedArena>;

  // The first segment is `scratch`, which is all zero, and is so again in the end. `arena`: where
  // large segments are to lie; null for nowhere in particular.
  explicit SegmentMemory(kj::ArrayPtr<capnp::word> scratch, Arena arena = nullptr)
      : scratch_(scratch), arena_(std::move(arena)) {}
  // The first segment has so many words.
  explicit SegmentMemory(size_t words, Arena arena = nullptr)
      : arena_(std::move(arena)), next_words_(words) {}
  ~SegmentMemory() noexcept(false) override;

  kj::ArrayPtr<capnp::word> allocateSegment(unsigned least_words) override;

  transport::SharedArena* arena() const { return arena_.get(); }
  // Where a segment lies in the arena; null if it does not.
  const transport::SharedArena::Block* BlockOf(const capnp::word* segment) const;
  bool in_arena() const { return !blocks_.empty(); }
  // Whether the next data of so many bytes, to be written whole, lies in the arena.
  [[nodiscard]] bool Reserve(size_t bytes);
  // It has been written, or somewhere else.
  void DropReserved();

 private:
  Memory Take(size_t bytes);
  Memory TakeZeroed(size_t bytes);

  kj::ArrayPtr<capnp::word> scratch_;  // null: none
  const Arena arena_;
  size_t next_words_ = 0;  // of the next segment, where less is needed
  bool begun_ = false;
  bool after_whole_ = false;      // the last segment is one for data that is written whole
  std::vector<Memory> segments_;  // but for scratch_, and for:
  std::vector<transport::SharedArena::Block> blocks_;
  transport::SharedArena::Block reserved_;
};

}  // namespace drover::wire

#endif  // DROVER_WIRE_SEGMENT_MEMORY_H_
