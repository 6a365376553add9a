#include "drover/wire/frame_header.h"

#include <bit>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace drover::wire {

static_assert(std::endian::native == std::endian::little, "Drover reads frames in place");

absl::StatusOr<FrameHeader> ParseFrameHeader(std::span<const std::byte> bytes, size_t max_bytes) {
  FrameHeader header;
  if (bytes.size() < sizeof(uint32_t)) return header;
  uint32_t last_segment;
  std::memcpy(&last_segment, bytes.data(), sizeof(last_segment));
  if (last_segment >= kMaxSegments) {
    return absl::InvalidArgumentError(absl::StrCat("a frame announces ", uint64_t{last_segment} + 1,
                                                   " segments; the most that are accepted is ",
                                                   kMaxSegments));
  }
  header.segments = last_segment + 1;
  header.header_bytes = (size_t{header.segments} / 2 + 1) * 8;
  if (bytes.size() < header.header_bytes) return header;
  uint64_t total = header.header_bytes;
  for (uint32_t i = 0; i < header.segments; ++i) {
    uint32_t words;
    std::memcpy(&words, bytes.data() + 4 + size_t{4} * i, sizeof(words));
    total += uint64_t{words} * 8;
  }
  if (total > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a frame announces ", total, " bytes; the limit is ", max_bytes));
  }
  header.complete = true;
  header.total_bytes = total;
  return header;
}

}  // namespace drover::wire
