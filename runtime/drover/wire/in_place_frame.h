// The frame of a message that lies in memory which both ends have (transport/shared_arena.h): it
// tells where its segments are, and holds those that are elsewhere.
//
// Over rings of two that share an arena such a frame stands among ordinary ones. All numbers are
// little-endian:
//
//   u32 kInPlaceMark         no ordinary frame begins so
//   u32 segments             at least 2: a single one is followed by one that only fills
//   for each segment:
//     u32 words
//     u32 block              its index in the table of who sends; with kReaders, in that of who
//                            receives; kNoBlock: it is below; kFills: there is none
//     u64 offset             of its first byte in that region; or 0
//   the words of the segments that are below, in order
//
// Thread-compatible. Errors of Parse: InvalidArgument for what is not such a frame,
// ResourceExhausted for one above the limit. Never blocks.
#ifndef DROVER_WIRE_IN_PLACE_FRAME_H_
#define DROVER_WIRE_IN_PLACE_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "drover/base/ref.h"
#include "drover/transport/shared_arena.h"

namespace drover::wire {

inline constexpr uint32_t kInPlaceMark = 0xFFFFFFF0;
inline constexpr uint32_t kNoBlock = 0xFFFFFFFF;
inline constexpr uint32_t kFills = 0xFFFFFFFE;
inline constexpr uint32_t kReaders = 0x80000000;
inline constexpr uint32_t kMostInPlaceSegments = 64;

struct InPlaceSegment {
  uint32_t words = 0;
  uint32_t block = kNoBlock;
  uint64_t offset = 0;
};
static_assert(sizeof(InPlaceSegment) == 16);

// What Parse finds out.
struct InPlaceHeader {
  bool complete = false;   // false: more bytes are needed to know the rest
  size_t frame_bytes = 0;  // of the frame itself
  size_t table_bytes = 0;  // of it, what is before the words
  size_t total_bytes = 0;  // of the message's ordinary frame
  std::vector<InPlaceSegment> segments;
};

absl::StatusOr<InPlaceHeader> ParseInPlaceHeader(std::span<const std::byte> bytes,
                                                 size_t max_bytes);

// Segments of a message that was received so. Releases their blocks when it goes.
class InPlaceSegments final : public base::RefCounted {
 public:
  using Segment = std::span<const std::byte>;

  // Null if a segment does not lie in the arena. `words` are those that are not there, and stay.
  static base::Ref<InPlaceSegments> Find(base::Ref<transport::SharedArena> arena,
                                         const InPlaceHeader& header, const std::byte* words);

  const std::vector<Segment>& segments() const { return segments_; }
  const transport::SharedArena& arena() const { return *arena_; }
  // The peer's block that data lies in, of which it is a fourth at least: less is not worth to keep
  // all of that. Null for none.
  std::optional<uint32_t> BlockOf(std::span<const uint8_t> data) const;

 private:
  explicit InPlaceSegments(base::Ref<transport::SharedArena> arena) : arena_(std::move(arena)) {}
  ~InPlaceSegments() override;

  const base::Ref<transport::SharedArena> arena_;
  std::vector<Segment> segments_;
  std::vector<uint32_t> blocks_;  // of each segment, as in its frame
};

}  // namespace drover::wire

#endif  // DROVER_WIRE_IN_PLACE_FRAME_H_
