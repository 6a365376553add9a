// Cap'n Proto's own RPC runtime, used as its documentation shows and tuned where that is fair: no
// traversal limit in the way of large messages, large enough first segments, an event loop and a
// connection for each client thread, since a client belongs to the thread that made it.
#include <capnp/common.h>
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench.capnp.h"
#include "common/contender.h"

namespace drover::bench {
namespace {

using Stock = ::bench::stock::Bench;

class Servant final : public Stock::Server {
 protected:
  kj::Promise<void> calculate(CalculateContext context) override {
    context.getResults(capnp::MessageSize{4, 0}).setY(context.getParams().getX() + 1);
    return kj::READY_NOW;
  }

  kj::Promise<void> echo(EchoContext context) override {
    const capnp::Data::Reader data = context.getParams().getData();
    context.getResults(capnp::MessageSize{data.size() / 8 + 8, 0}).setData(data);
    return kj::READY_NOW;
  }
};

// Runs `body` and turns what it throws into a status.
template <class F>
auto Caught(F body) -> decltype(body()) {
  try {
    return body();
  } catch (const kj::Exception& e) {
    return absl::InternalError(e.getDescription().cStr());
  }
}

// A connection on the event loop of this thread.
class Client {
 public:
  Client(kj::AsyncIoContext& io, const std::string& socket)
      : io_(io),
        stream_(io.provider->getNetwork()
                    .parseAddress(kj::str("unix:", socket))
                    .wait(io.waitScope)
                    ->connect()
                    .wait(io.waitScope)),
        rpc_(*stream_),
        bench_(rpc_.bootstrap().castAs<Stock>()) {}

  absl::Status CallOnce() {
    if (Calculate().wait(io_.waitScope).getY() != 8) return absl::DataLossError("not 8");
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> NullCalls(double seconds) {
    return TimeCalls(seconds, [&] { return CallOnce(); });
  }

  // 128 chains of calls, each starting its next call when the last is answered.
  absl::StatusOr<Sample> InFlight(double seconds) {
    std::vector<kj::Promise<void>> chains;
    for (int i = 0; i < kWindow; ++i) {
      chains.push_back(Chain().eagerlyEvaluate([this](kj::Exception&& e) { Fail(e); }));
    }
    return TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
      const uint64_t before = answered_;
      auto paf = kj::newPromiseAndFulfiller<void>();
      wake_ = kj::mv(paf.fulfiller);
      paf.promise.wait(io_.waitScope);
      if (!error_.ok()) return error_;
      return answered_ - before;
    });
  }

  absl::StatusOr<Sample> Echoes(size_t size, double seconds) {
    std::vector<kj::byte> data(size, 'x');
    return TimeCalls(seconds, [&]() -> absl::Status {
      auto request = bench_.echoRequest(capnp::MessageSize{size / 8 + 8, 0});
      request.setData(kj::arrayPtr(data.data(), data.size()));
      auto response = request.send().wait(io_.waitScope);
      const capnp::Data::Reader answer = response.getData();
      if (answer.size() != size || answer[size - 1] != 'x') {
        return absl::DataLossError("another answer");
      }
      return absl::OkStatus();
    });
  }

 private:
  capnp::RemotePromise<Stock::CalculateResults> Calculate() {
    auto request = bench_.calculateRequest(capnp::MessageSize{4, 0});
    request.setX(7);
    return request.send();
  }

  kj::Promise<void> Chain() {
    return Calculate().then([this](capnp::Response<Stock::CalculateResults>&& answer) {
      if (answer.getY() != 8) error_ = absl::DataLossError("not 8");
      // One turn of the harness is a whole window, so that its clock costs nothing.
      if (++answered_ % kWindow == 0 && wake_) wake_->fulfill();
      return Chain();
    });
  }

  void Fail(const kj::Exception& e) {
    error_ = absl::InternalError(e.getDescription().cStr());
    if (wake_) wake_->fulfill();
  }

  kj::AsyncIoContext& io_;
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyClient rpc_;
  Stock::Client bench_;
  uint64_t answered_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> wake_;
  absl::Status error_;
};

class Capnp final : public Contender {
 public:
  std::string name() const override { return "Cap'n Proto"; }
  std::string how() const override {
    return absl::StrCat(CAPNP_VERSION_MAJOR, ".", CAPNP_VERSION_MINOR, ".", CAPNP_VERSION_MICRO,
                        ", its own RPC over a UNIX socket; an event loop for each client thread");
  }
  // A connection belongs to the thread that made it; a call without an answer there is not.
  bool Does(Work work, Placement) const override {
    return work != Work::kSharedConnection && work != Work::kOneWay;
  }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    return Caught([&]() -> absl::Status {
      auto io = kj::setupAsyncIo();
      auto listener = io.provider->getNetwork()
                          .parseAddress(kj::str("unix:", socket))
                          .wait(io.waitScope)
                          ->listen();
      capnp::TwoPartyServer server(kj::heap<Servant>());
      auto serving = server.listen(*listener);
      ready();
      serving.wait(io.waitScope);
      return absl::InternalError("stopped serving");
    });
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    auto with_client = [&socket](auto use) {
      return Caught([&]() -> absl::StatusOr<Sample> {
        kj::AsyncIoContext io = kj::setupAsyncIo();
        Client client(io, socket);
        return use(client);
      });
    };
    switch (work) {
      case Work::kNullCall:
        return with_client([&](Client& client) { return client.NullCalls(seconds); });
      case Work::kInFlight:
        return with_client([&](Client& client) { return client.InFlight(seconds); });
      case Work::kThreads:
        return TimeThreads(kThreadCount, [&](int) {
          return with_client([&](Client& client) { return client.NullCalls(seconds); });
        });
      case Work::kSharedConnection:
        break;
      case Work::kEcho64KiB:
      case Work::kEcho1MiB:
        return with_client([&](Client& client) { return client.Echoes(EchoBytes(work), seconds); });
      case Work::kConnect:
        return Caught([&]() -> absl::StatusOr<Sample> {
          kj::AsyncIoContext io = kj::setupAsyncIo();
          return TimeCalls(seconds, [&] { return Client(io, socket).CallOnce(); });
        });
      case Work::kOneWay:
      case Work::kIdle:
        break;
    }
    return absl::UnimplementedError("not done");
  }

  absl::Status Hold(const std::string& socket, int connections,
                    const std::function<void()>& open) override {
    return Caught([&]() -> absl::Status {
      kj::AsyncIoContext io = kj::setupAsyncIo();
      std::vector<std::unique_ptr<Client>> held;
      for (int i = 0; i < connections; ++i) {
        held.push_back(std::make_unique<Client>(io, socket));
        if (absl::Status status = held.back()->CallOnce(); !status.ok()) return status;
      }
      open();
      SleepUntilKilled();
    });
  }
};

}  // namespace

std::unique_ptr<Contender> CapnpContender() { return std::make_unique<Capnp>(); }

}  // namespace drover::bench
