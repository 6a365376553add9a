// Apache Thrift over UNIX sockets, binary protocol, no compression. Two servers of its:
// - threaded: a thread for each connection, buffered transport, as in its C++ tutorial; the fastest
//   for blocking calls. With its default of 512 bytes a large message would take a read for each.
// - nonblocking: one thread for all connections (libevent), framed transport; calls run on it.
// Calls in flight are the halves of a call that its compiler generates, written one by one from one
// thread; one-way calls are a write each as well.
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/server/TNonblockingServer.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/thrift-config.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TNonblockingServerSocket.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "Bench.h"
#include "absl/strings/str_cat.h"
#include "common/peer_main.h"

namespace drover::bench {
namespace {

namespace tp = apache::thrift::protocol;
namespace ts = apache::thrift::server;
namespace tt = apache::thrift::transport;

enum class Style { kThreaded, kNonblocking };

class Handler final : public bench_thrift::BenchIf {
 public:
  int32_t calculate(int32_t x) override { return x + 1; }
  void echo(std::string& out, const std::string& data) override { out = data; }
  void note(int32_t) override {}
};

class WhenServing final : public ts::TServerEventHandler {
 public:
  explicit WhenServing(std::function<void()> ready) : ready_(std::move(ready)) {}
  void preServe() override { ready_(); }

 private:
  const std::function<void()> ready_;
};

class Buffered final : public tt::TTransportFactory {
 public:
  std::shared_ptr<tt::TTransport> getTransport(std::shared_ptr<tt::TTransport> bare) override {
    return std::make_shared<tt::TBufferedTransport>(bare, kBuffer);
  }

 private:
  static constexpr uint32_t kBuffer = 16 << 10;
};

std::shared_ptr<tt::TTransport> Transport(Style style, const std::string& socket) {
  // Each of a connection's small messages counts against this, not only the one that is read.
  auto limits = std::make_shared<apache::thrift::TConfiguration>();
  limits->setMaxMessageSize(std::numeric_limits<int>::max());
  auto bare = std::make_shared<tt::TSocket>(socket, limits);
  if (style == Style::kThreaded) return Buffered().getTransport(bare);
  return std::make_shared<tt::TFramedTransport>(bare);
}

class Client {
 public:
  Client(Style style, const std::string& socket)
      : transport_(Transport(style, socket)),
        bench_(std::make_shared<tp::TBinaryProtocol>(transport_)) {
    transport_->open();
  }

  absl::Status CallOnce() {
    return bench_.calculate(7) == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
  }

  absl::StatusOr<Sample> NullCalls(double seconds) {
    return TimeCalls(seconds, [&] { return CallOnce(); });
  }

  absl::StatusOr<Sample> InFlight(double seconds) {
    for (int i = 0; i < kWindow; ++i) bench_.send_calculate(7);
    return TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
      for (int i = 0; i < kWindow; ++i) {
        if (bench_.recv_calculate() != 8) return absl::DataLossError("not 8");
        bench_.send_calculate(7);
      }
      return kWindow;
    });
  }

  absl::StatusOr<Sample> OneWay(double seconds) {
    return TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
      for (int i = 0; i < kOneWayTurn; ++i) bench_.note(7);
      if (absl::Status status = CallOnce(); !status.ok()) return status;
      return kOneWayTurn;
    });
  }

  absl::StatusOr<Sample> Echoes(size_t size, double seconds) {
    const std::string data(size, 'x');
    std::string answer;
    return TimeCalls(seconds, [&]() -> absl::Status {
      bench_.echo(answer, data);
      return answer.size() == size && answer.back() == 'x' ? absl::OkStatus()
                                                           : absl::DataLossError("another answer");
    });
  }

 private:
  const std::shared_ptr<tt::TTransport> transport_;
  bench_thrift::BenchClient bench_;
};

class Thrift final : public Contender {
 public:
  explicit Thrift(Style style) : style_(style) {}

  std::string name() const override {
    return style_ == Style::kThreaded ? "Thrift, threaded" : "Thrift, nonblocking";
  }
  std::string how() const override {
    return absl::StrCat(PACKAGE_VERSION,
                        style_ == Style::kThreaded
                            ? ", a thread for each connection, transport buffered by 16 KiB"
                            : ", one thread for all connections, framed transport",
                        "; binary protocol, UNIX socket");
  }
  // A connection belongs to one thread.
  bool Does(Work work, Placement) const override { return work != Work::kSharedConnection; }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    auto processor = std::make_shared<bench_thrift::BenchProcessor>(std::make_shared<Handler>());
    auto protocol = std::make_shared<tp::TBinaryProtocolFactory>();
    std::unique_ptr<ts::TServer> server;
    if (style_ == Style::kThreaded) {
      server = std::make_unique<ts::TThreadedServer>(processor,
                                                     std::make_shared<tt::TServerSocket>(socket),
                                                     std::make_shared<Buffered>(), protocol);
    } else {
      server = std::make_unique<ts::TNonblockingServer>(
          processor, protocol, std::make_shared<tt::TNonblockingServerSocket>(socket));
    }
    server->setServerEventHandler(std::make_shared<WhenServing>(ready));
    server->serve();
    return absl::InternalError("stopped serving");
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    switch (work) {
      case Work::kNullCall:
        return Client(style_, socket).NullCalls(seconds);
      case Work::kInFlight:
        return Client(style_, socket).InFlight(seconds);
      case Work::kThreads:
        return TimeThreads(kThreadCount,
                           [&](int) { return Client(style_, socket).NullCalls(seconds); });
      case Work::kEcho64KiB:
      case Work::kEcho1MiB:
        return Client(style_, socket).Echoes(EchoBytes(work), seconds);
      case Work::kOneWay:
        return Client(style_, socket).OneWay(seconds);
      case Work::kConnect:
        return TimeCalls(seconds, [&] { return Client(style_, socket).CallOnce(); });
      case Work::kSharedConnection:
      case Work::kIdle:
        break;
    }
    return absl::UnimplementedError("not done");
  }

  absl::Status Hold(const std::string& socket, int connections,
                    const std::function<void()>& open) override {
    std::vector<std::unique_ptr<Client>> held;
    for (int i = 0; i < connections; ++i) {
      held.push_back(std::make_unique<Client>(style_, socket));
      if (absl::Status status = held.back()->CallOnce(); !status.ok()) return status;
    }
    open();
    SleepUntilKilled();
  }

 private:
  const Style style_;
};

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) {
  apache::thrift::GlobalOutput.setOutputFunction([](const char*) {});  // what the server tells
  drover::bench::Thrift threaded(drover::bench::Style::kThreaded);
  drover::bench::Thrift nonblocking(drover::bench::Style::kNonblocking);
  return drover::bench::PeerMain(argc, argv, {&threaded, &nonblocking});
}
