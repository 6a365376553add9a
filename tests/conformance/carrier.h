// A servant and a proxy of it, joined by one kind of transport: what the conformance suite is
// instantiated over.
#ifndef DROVER_TESTS_CONFORMANCE_CARRIER_H_
#define DROVER_TESTS_CONFORMANCE_CARRIER_H_

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/base/unique_fd.h"
#include "drover/transport/listener.h"
#include "drover/transport/socket_stream.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"

namespace drover::testing_support {

enum class Carrier { kUnix, kAbstract, kTcp, kInproc, kSocketpair, kShm };

inline std::string CarrierName(const testing::TestParamInfo<Carrier>& info) {
  static const char* const names[] = {"Unix", "Abstract", "Tcp", "Inproc", "Socketpair", "Shm"};
  return names[static_cast<int>(info.param)];
}

// Gives one connection that exists already: the far end of an inherited socket.
class InheritedListener final : public transport::Listener {
 public:
  explicit InheritedListener(base::UniqueFd fd, Endpoint endpoint)
      : stream_(transport::SocketStream::Make(std::move(fd), "the test")),
        endpoint_(std::move(endpoint)),
        readable_(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  absl::StatusOr<std::unique_ptr<transport::ByteStream>> Accept() override {
    uint64_t count;
    if (read(readable_.get(), &count, sizeof(count)) < 0) return nullptr;
    return std::move(stream_);
  }
  int fd() const override { return readable_.get(); }
  std::vector<int> fds() const override { return {readable_.get()}; }
  const Endpoint& endpoint() const override { return endpoint_; }

 private:
  std::unique_ptr<transport::ByteStream> stream_;
  const Endpoint endpoint_;
  const base::UniqueFd readable_;
};

// A listener of this kind; its endpoint is what clients connect to.
inline std::unique_ptr<transport::Listener> ListenOn(Carrier carrier, const TempDir& dir) {
  static int number = 0;
  const std::string name = "w" + std::to_string(++number);
  const auto listen = [](const std::string& endpoint) {
    return transport::Listener::Listen(Endpoint::Parse(endpoint).value()).value();
  };
  switch (carrier) {
    case Carrier::kUnix:
      return listen("unix://" + dir.path(name));
    case Carrier::kShm:
      return listen("shm://" + dir.path(name));
    case Carrier::kAbstract:
      return listen("unix:@" + dir.path(name));
    case Carrier::kTcp:
      return listen("tcp://127.0.0.1:0");
    case Carrier::kInproc:
      return listen("inproc://" + name);
    case Carrier::kSocketpair: {
      int fds[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) abort();
      return std::make_unique<InheritedListener>(
          base::UniqueFd(fds[0]), Endpoint::Parse("fd:" + std::to_string(fds[1])).value());
    }
  }
  abort();
}

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_CONFORMANCE_CARRIER_H_
