// A stream that tells the test before it reads or writes.
//
//   HookedStream(std::move(stream), {.before_write = [](std::span<const iovec>) { ... }});
//
// Hooks run on whatever thread reads or writes, which may be one of the runtime's after the test is
// over.
#ifndef DROVER_TESTS_SUPPORT_HOOKED_STREAM_H_
#define DROVER_TESTS_SUPPORT_HOOKED_STREAM_H_

#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "drover/transport/byte_stream.h"
#include "support/forwarding_stream.h"

namespace drover::testing_support {

class HookedStream final : public ForwardingStream {
 public:
  struct Hooks {
    std::function<void(transport::Wait wait)> before_read = nullptr;
    std::function<void(std::span<const iovec> from)> before_write = nullptr;
  };

  HookedStream(std::unique_ptr<transport::ByteStream> stream, Hooks hooks)
      : ForwardingStream(std::move(stream)), hooks_(std::move(hooks)) {}

  // What makes one of a stream.
  static auto Maker(Hooks hooks) {
    return [hooks = std::move(hooks)](std::unique_ptr<transport::ByteStream> stream) {
      return std::make_unique<HookedStream>(std::move(stream), hooks);
    };
  }

  transport::IoResult Read(std::span<std::byte> into, transport::Wait wait) override {
    if (hooks_.before_read) hooks_.before_read(wait);
    return stream().Read(into, wait);
  }
  transport::IoResult Write(std::span<const iovec> from) override {
    if (hooks_.before_write) hooks_.before_write(from);
    return stream().Write(from);
  }

 private:
  const Hooks hooks_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_HOOKED_STREAM_H_
