// The content of a struct without pointers, as it is encoded: what most calls carry. It is put into
// a frame as it is, without a message being built.
//
//   PlainStruct out = PlainStruct::OfWords<2>();
//   out.Set<uint32_t>(3, x);            // at the fourth 32-bit integer
//
// Thread-compatible. Never blocks. https://capnproto.org/encoding.html#structs
#ifndef DROVER_WIRE_PLAIN_STRUCT_H_
#define DROVER_WIRE_PLAIN_STRUCT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace drover::wire {

static_assert(std::endian::native == std::endian::little,
              "values are stored as they are in memory");

class PlainStruct {
 public:
  static constexpr size_t kMostWords = 8;

  // Of no words.
  PlainStruct() = default;
  // All zero.
  template <size_t kWords>
  static PlainStruct OfWords() {
    static_assert(kWords <= kMostWords);
    PlainStruct out;
    out.size_ = kWords;
    for (size_t i = 0; i < kWords; ++i) out.words_[i] = 0;
    return out;
  }

  // `offset` counts values of that size, as the schema's offsets do; it lies within the words.
  template <class T>
  void Set(size_t offset, T value) {
    std::memcpy(reinterpret_cast<std::byte*>(words_) + offset * sizeof(T), &value, sizeof(T));
  }
  void SetBit(size_t offset, bool value) {
    words_[offset / 64] |= uint64_t{value} << (offset % 64);
  }

  std::span<const uint64_t> words() const { return {words_, size_}; }

 private:
  size_t size_ = 0;
  uint64_t words_[kMostWords];  // the first size_ are used
};

}  // namespace drover::wire

#endif  // DROVER_WIRE_PLAIN_STRUCT_H_
