#include "drover/object/codec.h"

#include <capnp/any.h>
#include <capnp/capability.h>
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "drover/object/fields_internal.h"
#include "kj/io.h"

namespace drover::object {
namespace {

// How often over a message may be read before it counts as an attack, and what is allowed on top:
// elements that take no space in the message are charged a word each.
constexpr uint64_t kReadsOfMessage = 4;
constexpr uint64_t kExtraWords = 64 * 1024;
constexpr uint32_t kMaxSegments = 512;

// The segment table is looked at before Cap'n Proto reads it: one that begins with FF FF FF FF
// makes some versions see no segment at all.
absl::Status CheckSegmentTable(std::string_view bytes) {
  if (bytes.size() < sizeof(uint64_t) || bytes.size() % sizeof(capnp::word) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("malformed message: ", bytes.size(), " bytes are not whole words"));
  }
  uint32_t last_segment = 0;
  for (int i = 3; i >= 0; --i) {
    last_segment = last_segment << 8 | static_cast<unsigned char>(bytes[i]);
  }
  if (last_segment >= kMaxSegments) {
    return absl::InvalidArgumentError(
        absl::StrCat("malformed message: more than ", kMaxSegments, " segments"));
  }
  return absl::OkStatus();
}

// Bytes have no table of capabilities to go with them, so a message that becomes bytes takes none.
class NoCapabilities final : public capnp::_::CapTableBuilder {
 public:
  capnp::AnyPointer::Builder Imbue(capnp::AnyPointer::Builder builder) {
    using Helpers = capnp::_::PointerHelpers<capnp::AnyPointer>;
    return capnp::AnyPointer::Builder(Helpers::getInternalBuilder(kj::mv(builder)).imbue(this));
  }
  unsigned injectCap(kj::Own<capnp::ClientHook>&&) override {
    throw CodecError(
        absl::FailedPreconditionError("a value that holds a proxy can be encoded only in a call"));
  }
  kj::Maybe<kj::Own<capnp::ClientHook>> extractCap(unsigned) override { return nullptr; }
  void dropCap(unsigned) override {}
};

}  // namespace

absl::StatusOr<std::string> EncodeStruct(StructSize size, const void* value,
                                         void (*write)(const void* value,
                                                       const StructBuilder& out)) {
  std::string bytes;
  absl::Status status = CatchCodecErrors([&] {
    capnp::MallocMessageBuilder message;
    NoCapabilities none;
    capnp::AnyPointer::Builder root = none.Imbue(message.getRoot<capnp::AnyPointer>());
    write(value, StructBuilder(root.initAsAnyStruct(size.data_words, size.pointers)));
    bytes.resize(capnp::computeSerializedSizeInWords(message) * sizeof(capnp::word));
    kj::ArrayOutputStream stream(
        kj::arrayPtr(reinterpret_cast<kj::byte*>(bytes.data()), bytes.size()));
    capnp::writeMessage(stream, message);
  });
  if (!status.ok()) return status;
  return bytes;
}

absl::Status DecodeStruct(std::string_view bytes, void* value,
                          void (*read)(const StructReader& in, void* value)) {
  absl::Status table = CheckSegmentTable(bytes);
  if (!table.ok()) return table;
  return CatchCodecErrors([&] {
    // A copy, since Cap'n Proto reads aligned words only.
    kj::Array<capnp::word> words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), bytes.data(), bytes.size());
    capnp::ReaderOptions options;
    options.traversalLimitInWords = kReadsOfMessage * words.size() + kExtraWords;
    capnp::FlatArrayMessageReader message(words, options);
    if (message.getEnd() != words.end()) {
      throw CodecError(absl::InvalidArgumentError(absl::StrCat(
          "malformed message: ", (words.end() - message.getEnd()) * sizeof(capnp::word),
          " bytes follow it")));
    }
    read(StructReader(message.getRoot<capnp::AnyPointer>().getAs<capnp::AnyStruct>()), value);
  });
}

}  // namespace drover::object
