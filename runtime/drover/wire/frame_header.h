// The segment table at the head of a Cap'n Proto frame, screened before Cap'n Proto or an
// allocator sees it: the number of segments less one and each segment's size in words, as 32-bit
// little-endian integers, padded to a whole word.
//
//   absl::StatusOr<FrameHeader> header = ParseFrameHeader(bytes, limit);
//   if (header.ok() && header->complete) ...
//
// Thread-safe (no state). Errors: InvalidArgument for a table no peer may send, ResourceExhausted
// for a frame above the limit; both name the figures. Never blocks.
#ifndef DROVER_WIRE_FRAME_HEADER_H_
#define DROVER_WIRE_FRAME_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"

namespace drover::wire {

// Most segments a frame may have. What we send has at most 511: all that Cap'n Proto 0.9.2 takes.
inline constexpr uint32_t kMaxSegments = 512;

struct FrameHeader {
  bool complete = false;  // false: more bytes are needed to know the rest
  uint32_t segments = 0;
  size_t header_bytes = 0;
  size_t total_bytes = 0;  // header and segments
};

absl::StatusOr<FrameHeader> ParseFrameHeader(std::span<const std::byte> bytes, size_t max_bytes);

}  // namespace drover::wire

#endif  // DROVER_WIRE_FRAME_HEADER_H_
