// Values of generated structs as bytes: a standard Cap'n Proto message in its unpacked stream
// framing, as every Cap'n Proto implementation writes and reads it.
//
//   absl::StatusOr<std::string> bytes = drover::Encode(race::Tire{.pressure = 230});
//   absl::StatusOr<race::Tire> tire = drover::Decode<race::Tire>(*bytes);
//
// Schemas evolve freely: fields the bytes lack take the schema's defaults, fields and list elements
// this program's schema lacks are skipped, enumerants and alternatives it lacks keep their numbers.
//
// Thread-safe: the functions keep no state.
// Ownership: results own everything; nothing refers to the arguments afterwards.
// Errors:
//   InvalidArgument     Decode: the bytes are no message (truncated, trailing bytes, pointers out
//   of
//                       bounds, nesting deeper than 64, or so many references to the same data that
//                       it would be read about four times). Encode: a Text, Data or List is longer
//                       than 2^29 - 1.
//   FailedPrecondition  Encode: the value holds a union alternative unknown to this program, or a
//                       proxy, which only a call can carry.
//   ResourceExhausted   There was no memory for it.
// Blocking: never blocks.
#ifndef DROVER_OBJECT_CODEC_H_
#define DROVER_OBJECT_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace drover {
namespace object {

// A struct within a message that is being written or read. Opaque here; generated code sees
// through them.
class StructBuilder;
class StructReader;

// The space a struct takes in a message, in 8-byte words and in pointers.
struct StructSize {
  uint16_t data_words = 0;
  uint16_t pointers = 0;
};

// Encode and Decode without their types.
absl::StatusOr<std::string> EncodeStruct(StructSize size, const void* value,
                                         void (*write)(const void* value,
                                                       const StructBuilder& out));
absl::Status DecodeStruct(std::string_view bytes, void* value,
                          void (*read)(const StructReader& in, void* value));

}  // namespace object

// Specialised by generated code for each struct T of a schema:
//
//   static constexpr object::StructSize kSize;
//   static void Write(const T& value, const object::StructBuilder& out);
//   static void Read(const object::StructReader& in, T& value);  // assigns every field
//
// Write and Read throw what Cap'n Proto throws on malformed messages; Encode and Decode do not.
template <class T>
struct Codec;

template <class T>
absl::StatusOr<std::string> Encode(const T& value) {
  return object::EncodeStruct(Codec<T>::kSize, &value,
                              [](const void* v, const object::StructBuilder& out) {
                                Codec<T>::Write(*static_cast<const T*>(v), out);
                              });
}

template <class T>
absl::StatusOr<T> Decode(std::string_view bytes) {
  absl::StatusOr<T> result(T{});
  absl::Status status = object::DecodeStruct(
      bytes, &*result,
      [](const object::StructReader& in, void* v) { Codec<T>::Read(in, *static_cast<T*>(v)); });
  if (!status.ok()) return status;
  return result;
}

}  // namespace drover

#endif  // DROVER_OBJECT_CODEC_H_
