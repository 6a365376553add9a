// A message that is always laid out in the same way and differs only in a few fields: recognised by
// comparison with one that was built from the schema.
//
//   FrameLayout<5> layout(frame);                        // built with all fields zero
//   size_t id = layout.Field(same_frame_with_another_id);
//   if (layout.Matches(bytes)) memcpy(&value, bytes + id, 4);
//
// Thread-compatible; thread-safe once it knows its fields. Never blocks.
#ifndef DROVER_RPC_FRAME_LAYOUT_H_
#define DROVER_RPC_FRAME_LAYOUT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace drover::rpc {

// Of the first `kWords` words of a frame of one segment, the header included. What follows them may
// be anything.
template <size_t kWords>
class FrameLayout {
 public:
  static constexpr size_t kBytes = kWords * sizeof(uint64_t);

  explicit FrameLayout(std::string_view frame) {
    words_ = Load(frame);
    mask_.fill(~uint64_t{0});
    mask_[0] = 0;  // the size; the reader of frames knows the number of segments
  }

  // Learns a field by a frame that differs in it, in every bit that may vary. Returns where its
  // lowest byte is.
  size_t Field(std::string_view other) {
    const Words difference = Difference(Load(other));
    size_t first = kBytes;
    for (size_t i = 1; i < kWords; ++i) {
      if (difference[i] == 0) continue;
      if (first == kBytes) first = 8 * i + static_cast<size_t>(__builtin_ctzll(difference[i])) / 8;
      mask_[i] &= ~difference[i];
    }
    if (first == kBytes) std::abort();  // the schema has changed
    return first;
  }
  // The same for a field that is a whole pointer: returns where its word is.
  size_t Pointer(std::string_view other) {
    const size_t word = Field(other) / 8;
    mask_[word] = 0;
    return 8 * word;
  }

  // What it was made of; `out` has room for kBytes.
  void CopyTo(std::byte* out) const { std::memcpy(out, words_.data(), kBytes); }

  // `frame` has at least kBytes.
  bool Matches(const std::byte* frame) const {
    uint64_t difference = 0;
    for (size_t i = 0; i < kWords; ++i) {
      uint64_t word;
      std::memcpy(&word, frame + 8 * i, sizeof(word));
      difference |= (word ^ words_[i]) & mask_[i];
    }
    return difference == 0;
  }

 private:
  using Words = std::array<uint64_t, kWords>;

  static Words Load(std::string_view frame) {
    if (frame.size() < kBytes) std::abort();  // the schema has changed: kWords must follow
    Words words;
    std::memcpy(words.data(), frame.data(), kBytes);
    return words;
  }
  Words Difference(const Words& other) const {
    Words difference;
    for (size_t i = 0; i < kWords; ++i) difference[i] = words_[i] ^ other[i];
    return difference;
  }

  Words words_;
  Words mask_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_FRAME_LAYOUT_H_
