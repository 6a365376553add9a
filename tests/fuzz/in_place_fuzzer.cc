// Bytes as a stream of frames of messages that lie in shared memory, and as that memory itself. The
// first byte chooses the limit of a frame's size, the second how many bytes arrive at a time.
//
// Must hold: whatever the bytes, a frame is refused, or its segments lie in the memory or among the
// frame's own words, and are within the limit; reading them throws nothing but Cap'n Proto's own.
#include <kj/exception.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

#include "drover/transport/shared_arena.h"
#include "drover/wire/frame_reader.h"
#include "drover/wire/in_message.h"
#include "fuzz/check.h"
#include "fuzz/feed.h"

namespace drover {
namespace {

using transport::SharedArena;

bool Lies(std::span<const std::byte> segment, const std::byte* begin, size_t bytes) {
  const std::less_equal<const std::byte*> ordered;
  return ordered(begin, segment.data()) && ordered(segment.data() + segment.size(), begin + bytes);
}

class Memory {
 public:
  Memory()
      : made_(SharedArena::Make().value()), theirs_(SharedArena::Open(made_.fd.get()).value()) {}

  // Both regions begin with `bytes`.
  void Fill(std::span<const std::byte> bytes) {
    for (SharedArena* end : {made_.arena.get(), theirs_.get()}) {
      const SharedArena::Block block = end->Take(SharedArena::kRegionBytes);
      FUZZ_CHECK(block.data != nullptr);
      std::memcpy(block.data, bytes.data(), bytes.size());
      end->Give(block.index);
    }
  }
  SharedArena& reader() { return *theirs_; }

  void CheckAndRead(wire::Frame frame, size_t limit) {
    FUZZ_CHECK(frame.header.total_bytes <= limit);
    if (frame.in_place) {
      const auto* const region = theirs_->At(0, SharedArena::kRegionBytes);
      const auto* const own = theirs_->OwnAt(0, SharedArena::kRegionBytes);
      for (const auto& segment : frame.in_place->segments()) {
        FUZZ_CHECK(Lies(segment, region, SharedArena::kRegionBytes) ||
                   Lies(segment, own, SharedArena::kRegionBytes) ||
                   Lies(segment, frame.block->data(), frame.block->capacity()));
      }
    }
    try {
      wire::InMessage in(std::move(frame));
      in.root().totalSize();
      kj::str(in.root());
    } catch (const kj::Exception&) {
      // as with any other message
    }
  }

 private:
  SharedArena::Made made_;
  base::Ref<SharedArena> theirs_;
};

void Run(size_t limit, size_t step, std::span<const std::byte> bytes) {
  // Holds of blocks that were never given out go wrong, and mean nothing: each run has its own.
  Memory memory;
  memory.Fill(bytes);
  Feed(limit, step, bytes, &memory.reader(), [&](wire::Frame frame) {
    memory.CheckAndRead(std::move(frame), limit);
  }).IgnoreError();  // what is refused is no fault
}

}  // namespace
}  // namespace drover

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t limit = size_t{64} << (data[0] % 20);
  const size_t step = 1 + size_t{data[1]} * data[1];
  drover::Run(limit, step, {reinterpret_cast<const std::byte*>(data) + 2, size - 2});
  return 0;
}
