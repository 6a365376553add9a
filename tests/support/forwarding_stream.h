// A stream that hands everything to another one; tests derive from it what differs.
#ifndef DROVER_TESTS_SUPPORT_FORWARDING_STREAM_H_
#define DROVER_TESTS_SUPPORT_FORWARDING_STREAM_H_

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "drover/transport/byte_stream.h"

namespace drover::testing_support {

class ForwardingStream : public transport::ByteStream {
 public:
  explicit ForwardingStream(std::unique_ptr<transport::ByteStream> stream)
      : stream_(std::move(stream)) {}

  transport::IoResult Read(std::span<std::byte> into, transport::Wait wait) override {
    return stream_->Read(into, wait);
  }
  transport::IoResult Write(std::span<const iovec> from) override { return stream_->Write(from); }
  void SetReadLimit(absl::Duration limit) override { stream_->SetReadLimit(limit); }
  void SetTcpUserTimeout(absl::Duration limit) override { stream_->SetTcpUserTimeout(limit); }
  void Shutdown() override { stream_->Shutdown(); }
  int fd() const override { return stream_->fd(); }
  const transport::PeerInfo& peer() const override { return stream_->peer(); }

 protected:
  transport::ByteStream& stream() { return *stream_; }

 private:
  const std::unique_ptr<transport::ByteStream> stream_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_FORWARDING_STREAM_H_
