// What generated code needs to move fields between C++ values and Cap'n Proto messages. For
// generated .drover.cc files and the runtime only: it includes Cap'n Proto's headers.
//
// Functions here throw: CodecError for what Drover finds wrong, KJ's exceptions for what Cap'n
// Proto does. CatchCodecErrors turns both into a Status; whoever calls generated code wraps it so.
#ifndef DROVER_OBJECT_FIELDS_INTERNAL_H_
#define DROVER_OBJECT_FIELDS_INTERNAL_H_

#include <capnp/any.h>
#include <capnp/blob.h>
#include <capnp/list.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/base/whole_data.h"
#include "drover/object/codec.h"

namespace drover::object {

// A Status on its way through code that cannot return one.
class CodecError : public std::exception {
 public:
  explicit CodecError(absl::Status status) : status_(std::move(status)), what_(status_.message()) {}
  const absl::Status& status() const { return status_; }
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  absl::Status status_;
  std::string what_;
};

// The Status of the exception being handled; call it in a catch block.
absl::Status CurrentCodecError();

// Runs `body`; an exception from it becomes a Status: CodecError's own, InvalidArgument for
// anything Cap'n Proto found wrong with a message, ResourceExhausted for want of memory.
template <class F>
absl::Status CatchCodecErrors(F&& body) {
  try {
    std::forward<F>(body)();
    return absl::OkStatus();
  } catch (...) {
    return CurrentCodecError();
  }
}

// Handles: copying one copies no struct.
class StructBuilder {
 public:
  template <class Builder>
  requires requires { typename Builder::Builds; }
  explicit StructBuilder(Builder fields) : fields_(std::move(fields)) {}
  template <class T>
  typename T::Builder As() const {
    capnp::AnyStruct::Builder fields = fields_;
    return fields.as<T>();
  }

 private:
  capnp::AnyStruct::Builder fields_;
};

class StructReader {
 public:
  explicit StructReader(capnp::AnyStruct::Reader fields) : fields_(fields) {}
  template <class T>
  typename T::Reader As() const {
    return fields_.as<T>();
  }

 private:
  capnp::AnyStruct::Reader fields_;
};

// The size of a Text, Data or List as Cap'n Proto counts it; throws when it is longer than
// messages allow.
uint32_t CheckedSize(size_t size);

template <class Container>
uint32_t SizeOf(const Container& container) {
  return CheckedSize(container.size());
}

// The words that the elements of a List of numbers take in a message, and one more.
template <class Container>
uint64_t WordsOf(const Container& elements) {
  return elements.size() * sizeof(*elements.data()) / sizeof(capnp::word) + 2;
}

// The same of a Text or Data, which may get memory of its own: see CopyText and CopyData.
template <class Container>
uint64_t WordsOfBlob(const Container& bytes) {
  return bytes.size() >= base::kLargeData ? 2 : WordsOf(bytes);
}

// Copies into what `init`, which is given the size, makes room for. Large ones get memory that is
// not cleared before (base::WholeData).
template <class Init>
void CopyText(std::string_view text, Init&& init) {
  const uint32_t size = SizeOf(text);
  const base::WholeData whole(size_t{size} + 1);  // and a terminator, which is zero
  capnp::Text::Builder out = init(size);
  if (size > 0) std::memcpy(out.begin(), text.data(), size);
}
template <class Init>
void CopyData(std::span<const uint8_t> data, Init&& init) {
  const uint32_t size = SizeOf(data);
  const base::WholeData whole(size);
  capnp::Data::Builder out = init(size);
  if (size > 0) std::memcpy(out.begin(), data.data(), size);
}
std::string ToString(capnp::Text::Reader text);
std::vector<uint8_t> ToBytes(capnp::Data::Reader data);

// Elements of a List of numbers or Bool.
template <class T, class List>
void CopyList(const std::vector<T>& values, List out) {
  for (uint32_t i = 0; i < out.size(); ++i) out.set(i, values[i]);
}
template <class List, class T>
void ReadList(List list, std::vector<T>& values) {
  values.resize(list.size());
  for (uint32_t i = 0; i < list.size(); ++i) values[i] = list[i];
}

// Pointer number `slot` of a struct or group, untyped: how capability fields are reached without
// Cap'n Proto's clients. A struct from an older peer that lacks it reads as null.
capnp::AnyPointer::Reader PointerAt(capnp::AnyStruct::Reader fields, uint32_t slot);
template <class Builder>
requires requires { typename Builder::Builds; }
capnp::AnyPointer::Builder PointerAt(Builder fields, uint32_t slot) {
  return capnp::AnyStruct::Builder(std::move(fields)).getPointerSection()[slot];
}

// A List of capabilities, as a list of pointers. Reading throws when it is a list of anything else.
capnp::List<capnp::AnyPointer>::Reader PointerList(capnp::AnyPointer::Reader pointer);
capnp::List<capnp::AnyPointer>::Builder InitPointerList(capnp::AnyPointer::Builder pointer,
                                                        uint32_t size);

// Sets a union's discriminant, which lies `offset` 16-bit units into the data section, where there
// is no accessor that does it.
template <class Builder>
void SetDiscriminant(Builder fields, uint32_t offset, uint16_t number) {
  capnp::AnyStruct::Builder any(std::move(fields));
  capnp::byte* at = any.getDataSection().begin() + size_t{2} * offset;
  at[0] = static_cast<capnp::byte>(number & 0xff);
  at[1] = static_cast<capnp::byte>(number >> 8);
}

// Throws FailedPrecondition: `type` holds an alternative that cannot be encoded.
[[noreturn]] void FailUnknownAlternative(const char* type, uint16_t number);

}  // namespace drover::object

#endif  // DROVER_OBJECT_FIELDS_INTERNAL_H_
