// A listener whose connections the test can cut, at any moment and from any thread, as a network
// does: both ends see the end of the stream.
//
//   ConnectionCutter cutter;
//   auto server = Serve(cutter.Listen(endpoint), servant);
//   ...
//   cutter.CutOne(random());
//
// Thread-safe. A cutter outlives the listeners made with it and their connections.
#ifndef DROVER_TESTS_SUPPORT_CUTTABLE_LISTENER_H_
#define DROVER_TESTS_SUPPORT_CUTTABLE_LISTENER_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "drover/base/mutex.h"
#include "drover/base/status_macros.h"
#include "drover/transport/byte_stream.h"
#include "drover/transport/listener.h"

namespace drover::testing_support {

class ConnectionCutter {
 public:
  std::unique_ptr<transport::Listener> Listen(const Endpoint& endpoint) {
    return std::make_unique<CuttableListener>(transport::Listener::Listen(endpoint).value(), this);
  }

  // Cuts the connection number `which`, modulo how many there are.
  void CutOne(size_t which) {
    base::MutexLock lock(&mu_);
    if (!streams_.empty()) streams_[which % streams_.size()]->Shutdown();
  }
  void CutAll() {
    base::MutexLock lock(&mu_);
    for (transport::ByteStream* stream : streams_) stream->Shutdown();
  }

 private:
  class CuttableStream final : public transport::ByteStream {
   public:
    CuttableStream(std::unique_ptr<transport::ByteStream> stream, ConnectionCutter* cutter)
        : stream_(std::move(stream)), cutter_(cutter) {
      base::MutexLock lock(&cutter_->mu_);
      cutter_->streams_.push_back(stream_.get());
    }
    ~CuttableStream() override {
      base::MutexLock lock(&cutter_->mu_);
      std::erase(cutter_->streams_, stream_.get());
    }
    transport::IoResult Read(std::span<std::byte> into, transport::Wait wait) override {
      return stream_->Read(into, wait);
    }
    transport::IoResult Write(std::span<const iovec> from) override { return stream_->Write(from); }
    void Shutdown() override { stream_->Shutdown(); }
    int fd() const override { return stream_->fd(); }
    const transport::PeerInfo& peer() const override { return stream_->peer(); }

   private:
    const std::unique_ptr<transport::ByteStream> stream_;
    ConnectionCutter* const cutter_;
  };

  class CuttableListener final : public transport::Listener {
   public:
    CuttableListener(std::unique_ptr<transport::Listener> listener, ConnectionCutter* cutter)
        : listener_(std::move(listener)), cutter_(cutter) {}
    absl::StatusOr<std::unique_ptr<transport::ByteStream>> Accept() override {
      DROVER_ASSIGN_OR_RETURN(std::unique_ptr<transport::ByteStream> stream, listener_->Accept());
      if (stream == nullptr) return stream;
      return std::make_unique<CuttableStream>(std::move(stream), cutter_);
    }
    int fd() const override { return listener_->fd(); }
    std::vector<int> fds() const override { return listener_->fds(); }
    const Endpoint& endpoint() const override { return listener_->endpoint(); }

   private:
    const std::unique_ptr<transport::Listener> listener_;
    ConnectionCutter* const cutter_;
  };

  base::Mutex mu_;
  std::vector<transport::ByteStream*> streams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_CUTTABLE_LISTENER_H_
