// Bytes given to a reader of frames a few at a time.
#ifndef DROVER_TESTS_FUZZ_FEED_H_
#define DROVER_TESTS_FUZZ_FEED_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "drover/transport/shared_arena.h"
#include "drover/wire/frame_reader.h"
#include "fuzz/check.h"

namespace drover {

// Calls take(Frame) for each frame, which is kept. What ended it: OK, or why the reader refused the
// rest. `arena`: where messages may lie, or null.
template <class F>
absl::Status Feed(size_t limit, size_t step, std::span<const std::byte> bytes,
                  transport::SharedArena* arena, F&& take) {
  wire::FrameReader reader(limit);
  for (size_t taken = 0; taken < bytes.size();) {
    const std::span<std::byte> space = reader.Space();
    FUZZ_CHECK(!space.empty());
    const size_t n = std::min({step, space.size(), bytes.size() - taken});
    std::memcpy(space.data(), bytes.data() + taken, n);
    reader.Fill(n);
    taken += n;
    for (;;) {
      wire::Frame frame;
      const absl::StatusOr<bool> next = reader.Next(&frame, arena);
      if (!next.ok()) return next.status();
      if (!*next) break;
      frame.Keep();
      take(std::move(frame));
    }
  }
  return absl::OkStatus();
}

}  // namespace drover

#endif  // DROVER_TESTS_FUZZ_FEED_H_
