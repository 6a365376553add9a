// A server process that a test brings to a chosen stage of its work and then kills or stops.
//
//   KillTarget target(Stage::kMidFrame, "tcp://127.0.0.1:0");   // forks: make it before any thread
//   auto cook = Connect<kitchen::CookProxy>(target.Start());
//   auto call = cook.async().Echo(data);
//   target.AwaitStage(call);
//   target.Kill(SIGKILL);
//
// The stages are reached at the seam: a listener that never takes what has connected, a stream that
// reads or writes some of a message and no more. The process dies with the test's, and leaves no
// core.
#ifndef DROVER_TESTS_RELIABILITY_KILL_TARGET_H_
#define DROVER_TESTS_RELIABILITY_KILL_TARGET_H_

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/base/status_macros.h"
#include "drover/object/server.h"
#include "drover/transport/byte_stream.h"
#include "drover/transport/listener.h"
#include "support/child_process.h"
#include "support/cook.h"
#include "support/forwarding_stream.h"

namespace drover::testing_support {

enum class Stage {
  kAccepting,  // the client has connected, and nobody has accepted it
  kMidFrame,   // part of the request has been read; little more fits into its kernel's buffer
  kExecuting,  // the method runs
  kMidReply,   // part of the answer has been written
  kDraining,   // the server shuts down, and waits for the method
};

class KillTarget {
 public:
  KillTarget(Stage stage, std::string endpoint)
      : stage_(stage), endpoint_(std::move(endpoint)), child_([this] { return Main(); }) {
    go_.CloseReader();
    said_.CloseWriter();
  }

  // Lets it serve; its endpoint.
  std::string Start() {
    go_.Send("go");
    return said_.Receive();
  }
  // Waits until it is where it shall be; false if the call has ended before.
  template <class T>
  bool AwaitStage(Future<T>& call) {
    pollfd said{.fd = said_.reader(), .events = POLLIN, .revents = 0};
    while (!call.WaitFor(absl::ZeroDuration())) {
      if (poll(&said, 1, /*timeout=*/1) > 0) return said_.Receive() == kThere;
    }
    return false;
  }
  // Sends the signal that ends it, and reaps; the wait status.
  int Kill(int signal) { return child_.Kill(signal); }
  // Returns once it is stopped; whether it is.
  bool Stop() {
    int status = 0;
    kill(child_.pid(), SIGSTOP);
    while (waitpid(child_.pid(), &status, WUNTRACED) != child_.pid() && errno == EINTR) {
    }
    return WIFSTOPPED(status);
  }

 private:
  static constexpr const char* kThere = "there";
  // Enough to be in the middle of a message, and a small part of it.
  static constexpr size_t kSome = 64 * 1024;

  [[noreturn]] static void Stall(Pipe& said) {
    said.Send(kThere);
    for (;;) pause();
  }

  class StallingStream final : public testing_support::ForwardingStream {
   public:
    StallingStream(std::unique_ptr<transport::ByteStream> stream, Stage stage, Pipe& said)
        : testing_support::ForwardingStream(std::move(stream)), stage_(stage), said_(said) {}

    transport::IoResult Read(std::span<std::byte> into, transport::Wait wait) override {
      if (stage_ == Stage::kMidFrame && read_ >= kSome) Stall(said_);
      const auto result = stream().Read(into.first(std::min(into.size(), kSome / 2)), wait);
      read_ += result.bytes;
      return result;
    }
    transport::IoResult Write(std::span<const iovec> from) override {
      if (stage_ != Stage::kMidReply) return stream().Write(from);
      if (written_ >= kSome) Stall(said_);
      const iovec some{.iov_base = from[0].iov_base,
                       .iov_len = std::min(from[0].iov_len, kSome / 2)};
      const auto result = stream().Write({&some, 1});
      written_ += result.bytes;
      return result;
    }

   private:
    const Stage stage_;
    Pipe& said_;
    size_t read_ = 0;
    size_t written_ = 0;
  };

  class StallingListener final : public transport::Listener {
   public:
    StallingListener(std::unique_ptr<transport::Listener> listener, Stage stage, Pipe& said)
        : listener_(std::move(listener)), stage_(stage), said_(said) {}

    absl::StatusOr<std::unique_ptr<transport::ByteStream>> Accept() override {
      if (stage_ == Stage::kAccepting) Stall(said_);
      DROVER_ASSIGN_OR_RETURN(std::unique_ptr<transport::ByteStream> stream, listener_->Accept());
      if (stream == nullptr) return stream;
      return std::make_unique<StallingStream>(std::move(stream), stage_, said_);
    }
    int fd() const override { return listener_->fd(); }
    std::vector<int> fds() const override { return listener_->fds(); }
    const Endpoint& endpoint() const override { return listener_->endpoint(); }

   private:
    const std::unique_ptr<transport::Listener> listener_;
    const Stage stage_;
    Pipe& said_;
  };

  int Main() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGSEGV, SIG_DFL);  // a sanitizer may have a handler of its own
    go_.CloseWriter();
    if (go_.Receive() != "go") return 0;
    auto listener = transport::Listener::Listen(*Endpoint::Parse(endpoint_));
    if (!listener.ok()) return 1;
    const int small = static_cast<int>(kSome);
    if (stage_ == Stage::kMidFrame &&
        setsockopt((*listener)->fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) != 0) {
      return 1;
    }
    const std::string bound = (*listener)->endpoint().ToString();
    auto cook = std::make_shared<Cook>();
    auto server =
        Serve(std::make_unique<StallingListener>(*std::move(listener), stage_, said_), cook);
    if (!server.ok()) return 1;
    said_.Send(bound);
    cook->gate.AwaitArrivals(1);
    said_.Send(kThere);
    if (stage_ == Stage::kDraining) server->Shutdown(absl::InfiniteDuration());
    for (;;) pause();
  }

  const Stage stage_;
  const std::string endpoint_;
  Pipe go_, said_;
  ChildProcess child_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_RELIABILITY_KILL_TARGET_H_
