// A byte stream that remembers which memory it was read into and written from.
//
//   auto stream = std::make_unique<WatchedStream>(std::move(socket), seen);
//   ...
//   EXPECT_TRUE(seen->WroteFrom(data));
//
// What is remembered is thread-safe, and outlives the stream.
#ifndef DROVER_TESTS_SUPPORT_WATCHED_STREAM_H_
#define DROVER_TESTS_SUPPORT_WATCHED_STREAM_H_

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "drover/base/mutex.h"
#include "drover/transport/byte_stream.h"
#include "support/forwarding_stream.h"

namespace drover::testing_support {

class SeenMemory {
 public:
  using Bytes = std::span<const unsigned char>;

  // Whether the last byte of `bytes` is where it was read to. (A frame may be moved while it
  // arrives; the end of it arrives last.)
  bool ReadEndOf(Bytes bytes) const {
    base::MutexLock lock(&mu_);
    return Holds(read_, &bytes.back());
  }
  // Whether the first and the last of them were given to be written from where they are.
  bool WroteFrom(Bytes bytes) const {
    base::MutexLock lock(&mu_);
    return Holds(written_, &bytes.front()) && Holds(written_, &bytes.back());
  }

  void NoteRead(const void* at, size_t size) {
    base::MutexLock lock(&mu_);
    read_.push_back({static_cast<const unsigned char*>(at), size});
  }
  void NoteWritten(const void* at, size_t size) {
    base::MutexLock lock(&mu_);
    written_.push_back({static_cast<const unsigned char*>(at), size});
  }

 private:
  static bool Holds(const std::vector<Bytes>& pieces, const unsigned char* byte) {
    for (const Bytes& piece : pieces) {
      if (byte >= piece.data() && byte < piece.data() + piece.size()) return true;
    }
    return false;
  }

  mutable base::Mutex mu_;
  std::vector<Bytes> read_ ABSL_GUARDED_BY(mu_);
  std::vector<Bytes> written_ ABSL_GUARDED_BY(mu_);
};

class WatchedStream final : public ForwardingStream {
 public:
  WatchedStream(std::unique_ptr<transport::ByteStream> stream, std::shared_ptr<SeenMemory> seen)
      : ForwardingStream(std::move(stream)), seen_(std::move(seen)) {}

  transport::IoResult Read(std::span<std::byte> into, transport::Wait wait) override {
    const transport::IoResult result = stream().Read(into, wait);
    if (result.bytes > 0) seen_->NoteRead(into.data(), result.bytes);
    return result;
  }
  transport::IoResult Write(std::span<const iovec> from) override {
    // Before it is written: whoever has it then may ask at once.
    for (const iovec& piece : from) seen_->NoteWritten(piece.iov_base, piece.iov_len);
    return stream().Write(from);
  }

 private:
  const std::shared_ptr<SeenMemory> seen_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_WATCHED_STREAM_H_
