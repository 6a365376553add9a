// Memory of a message that is being built: what Cap'n Proto's MallocMessageBuilder is, with large
// segments from spare_memory.h, and with segments for data that is known to be written whole, which
// are not cleared first.
//
//   SegmentMemory message(scratch);
//   auto root = message.initRoot<Root>();
//   base::WholeData whole(size);                  // the next initData or initText of so many bytes
//   std::memcpy(root.initData(size).begin(), from, size);
//
// What is sent holds nothing but what was written and zeros: of memory that was used before nothing
// is left.
//
// Thread-compatible. Errors: throws std::bad_alloc. Never blocks.
#ifndef DROVER_WIRE_SEGMENT_MEMORY_H_
#define DROVER_WIRE_SEGMENT_MEMORY_H_

#include <capnp/message.h>

#include <cstddef>
#include <vector>

#include "drover/wire/spare_memory.h"

namespace drover::wire {

class SegmentMemory final : public capnp::MessageBuilder {
 public:
  // The first segment is `scratch`, which is all zero, and is so again in the end.
  explicit SegmentMemory(kj::ArrayPtr<capnp::word> scratch) : scratch_(scratch) {}
  // The first segment has so many words.
  explicit SegmentMemory(size_t words) : next_words_(words) {}
  ~SegmentMemory() noexcept(false) override;

  kj::ArrayPtr<capnp::word> allocateSegment(unsigned least_words) override;

 private:
  kj::ArrayPtr<capnp::word> scratch_;  // null: none
  size_t next_words_ = 0;              // of the next segment, where less is needed
  bool begun_ = false;
  bool after_whole_ = false;      // the last segment is one for data that is written whole
  std::vector<Memory> segments_;  // but for scratch_
};

}  // namespace drover::wire

#endif  // DROVER_WIRE_SEGMENT_MEMORY_H_
