// A listener whose connections the test can cut, at any moment and from any thread, as a network
// does: both ends see the end of the stream.
//
//   ConnectionCutter cutter;
//   auto server = Serve(cutter.Listen(endpoint), servant);
//   ...
//   cutter.CutOne(random());
//
// Thread-safe. Connections may outlive the cutter.
#ifndef DROVER_TESTS_SUPPORT_CUTTABLE_LISTENER_H_
#define DROVER_TESTS_SUPPORT_CUTTABLE_LISTENER_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "drover/base/mutex.h"
#include "drover/base/status_macros.h"
#include "drover/transport/byte_stream.h"
#include "drover/transport/listener.h"
#include "support/forwarding_stream.h"

namespace drover::testing_support {

class ConnectionCutter {
 public:
  std::unique_ptr<transport::Listener> Listen(const Endpoint& endpoint) {
    return std::make_unique<CuttableListener>(transport::Listener::Listen(endpoint).value(),
                                              state_);
  }

  // Cuts the connection number `which`, modulo how many there are.
  void CutOne(size_t which) {
    base::MutexLock lock(&state_->mu);
    auto& streams = state_->streams;
    if (!streams.empty()) streams[which % streams.size()]->Shutdown();
  }
  void CutAll() {
    base::MutexLock lock(&state_->mu);
    for (transport::ByteStream* stream : state_->streams) stream->Shutdown();
  }

  // The next input of at least so many bytes is lost on its way to the server, with its connection.
  void LoseNextInput(size_t at_least) { state_->lose_input = at_least; }

 private:
  struct State {
    std::atomic<size_t> lose_input{0};
    base::Mutex mu;
    std::vector<transport::ByteStream*> streams ABSL_GUARDED_BY(mu);
  };

  class CuttableStream final : public ForwardingStream {
   public:
    CuttableStream(std::unique_ptr<transport::ByteStream> stream, std::shared_ptr<State> state)
        : ForwardingStream(std::move(stream)), state_(std::move(state)) {
      base::MutexLock lock(&state_->mu);
      state_->streams.push_back(&this->stream());
    }
    ~CuttableStream() override {
      base::MutexLock lock(&state_->mu);
      std::erase(state_->streams, &stream());
    }
    transport::IoResult Read(std::span<std::byte> into, transport::Wait wait) override {
      const transport::IoResult result = stream().Read(into, wait);
      size_t least = state_->lose_input;
      if (least == 0 || result.bytes < least) return result;
      if (!state_->lose_input.compare_exchange_strong(least, 0)) return result;
      stream().Shutdown();
      return {.end = true};
    }

   private:
    const std::shared_ptr<State> state_;
  };

  class CuttableListener final : public transport::Listener {
   public:
    CuttableListener(std::unique_ptr<transport::Listener> listener, std::shared_ptr<State> state)
        : listener_(std::move(listener)), state_(std::move(state)) {}
    absl::StatusOr<std::unique_ptr<transport::ByteStream>> Accept() override {
      DROVER_ASSIGN_OR_RETURN(std::unique_ptr<transport::ByteStream> stream, listener_->Accept());
      if (stream == nullptr) return stream;
      return std::make_unique<CuttableStream>(std::move(stream), state_);
    }
    int fd() const override { return listener_->fd(); }
    std::vector<int> fds() const override { return listener_->fds(); }
    const Endpoint& endpoint() const override { return listener_->endpoint(); }

   private:
    const std::unique_ptr<transport::Listener> listener_;
    const std::shared_ptr<State> state_;
  };

  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_CUTTABLE_LISTENER_H_
