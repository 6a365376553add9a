#include <new>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "drover/object/fields_internal.h"
#include "kj/exception.h"

namespace drover::object {

absl::Status CurrentCodecError() {
  try {
    throw;
  } catch (const CodecError& e) {
    return e.status();
  } catch (const kj::Exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat("malformed message: ", e.getDescription().cStr()));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for a message");
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("unexpected exception: ", e.what()));
  } catch (...) {
    return absl::InternalError("unexpected exception of an unknown type");
  }
}

uint32_t CheckedSize(size_t size) {
  constexpr size_t kMaxElements = (size_t{1} << 29) - 1;
  // A Text's terminator counts as an element of its own.
  if (size >= kMaxElements) {
    throw CodecError(absl::InvalidArgumentError(
        absl::StrCat("a text, data or list of ", size, " elements is longer than messages allow (",
                     kMaxElements - 1, ")")));
  }
  return static_cast<uint32_t>(size);
}

std::string ToString(capnp::Text::Reader text) { return std::string(text.begin(), text.size()); }

std::vector<uint8_t> ToBytes(capnp::Data::Reader data) {
  return std::vector<uint8_t>(data.begin(), data.end());
}

capnp::AnyPointer::Reader PointerAt(capnp::AnyStruct::Reader fields, uint32_t slot) {
  auto pointers = fields.getPointerSection();
  return slot < pointers.size() ? pointers[slot] : capnp::AnyPointer::Reader();
}

capnp::List<capnp::AnyPointer>::Reader PointerList(capnp::AnyPointer::Reader pointer) {
  auto list = pointer.getAs<capnp::AnyList>();
  if (list.size() == 0) return {};
  if (list.getElementSize() != capnp::ElementSize::POINTER) {
    throw CodecError(absl::InvalidArgumentError(
        "malformed message: a list of capabilities is not a list of pointers"));
  }
  return list.as<capnp::List<capnp::AnyPointer>>();
}

capnp::List<capnp::AnyPointer>::Builder InitPointerList(capnp::AnyPointer::Builder pointer,
                                                        uint32_t size) {
  return pointer.initAsAnyList(capnp::ElementSize::POINTER, size)
      .as<capnp::List<capnp::AnyPointer>>();
}

void FailUnknownAlternative(const char* type, uint16_t number) {
  throw CodecError(absl::FailedPreconditionError(
      absl::StrCat(type, " holds alternative number ", number,
                   ", which this program's schema does not know and so cannot encode")));
}

}  // namespace drover::object
