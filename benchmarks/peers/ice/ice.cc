// ZeroC Ice, over TCP on the loopback (it has no UNIX sockets), without compression; messages of
// any size. The dispatch thread pool as it comes, one thread; a connection of its own for each
// client thread. Calls in flight are its asynchronous ones; one-way calls its batched ones, 1,000
// in each batch.
#include <Ice/Ice.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench.h"
#include "common/peer_main.h"

namespace drover::bench {
namespace {

class Servant final : public BenchIce::Bench {
 public:
  int calculate(int x, const Ice::Current&) override { return x + 1; }
  BenchIce::Bytes echo(BenchIce::Bytes data, const Ice::Current&) override { return data; }
  void note(int, const Ice::Current&) override {}
};

std::string ReferenceFile(const std::string& socket) { return socket + ".ice"; }

std::shared_ptr<Ice::Communicator> Communicator() {
  Ice::InitializationData data;
  data.properties = Ice::createProperties();
  data.properties->setProperty("Ice.MessageSizeMax", "0");
  return Ice::initialize(data);
}

// A connection of its own. Closing it is part of the destructor.
class Client {
 public:
  Client(const std::shared_ptr<Ice::Communicator>& communicator, const std::string& socket)
      : bench_(Proxy(communicator, socket)) {}
  ~Client() {
    if (const auto connection = bench_->ice_getCachedConnection()) {
      connection->close(Ice::ConnectionClose::Gracefully);
    }
  }

  absl::Status CallOnce() {
    return bench_->calculate(7) == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
  }

  absl::StatusOr<Sample> NullCalls(double seconds) {
    return TimeCalls(seconds, [&] { return CallOnce(); });
  }

  absl::StatusOr<Sample> OneWay(double seconds) {
    constexpr int kBatch = 1000;
    const auto batch = bench_->ice_batchOneway();
    return TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
      for (int call = 1; call <= kOneWayTurn; ++call) {
        batch->note(7);
        if (call % kBatch == 0) batch->ice_flushBatchRequests();
      }
      if (absl::Status status = CallOnce(); !status.ok()) return status;
      return kOneWayTurn;
    });
  }

  absl::StatusOr<Sample> InFlight(double seconds) {
    for (int i = 0; i < kWindow; ++i) Begin();
    auto sample = TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
      std::unique_lock<std::mutex> lock(mu_);
      const uint64_t before = counted_;
      progress_.wait(lock, [&] { return answered_ >= before + kWindow || !error_.ok(); });
      if (!error_.ok()) return error_;
      counted_ = answered_;
      return counted_ - before;
    });
    std::unique_lock<std::mutex> lock(mu_);
    stopping_ = true;
    progress_.wait(lock, [&] { return running_ == 0; });
    return sample;
  }

  absl::StatusOr<Sample> Echoes(size_t size, double seconds) {
    const BenchIce::Bytes data(size, Ice::Byte{'x'});
    return TimeCalls(seconds, [&]() -> absl::Status {
      const BenchIce::Bytes answer = bench_->echo(data);
      const bool right = answer.size() == size && answer.back() == Ice::Byte{'x'};
      return right ? absl::OkStatus() : absl::DataLossError("another answer");
    });
  }

 private:
  void Begin() {
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (stopping_) return;
      ++running_;
    }
    bench_->calculateAsync(
        7, [this](int y) { End(y == 8); }, [this](std::exception_ptr) { End(false); });
  }

  void End(bool right) {
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (!right) error_ = absl::DataLossError("not 8");
      ++answered_;
    }
    if (right) Begin();
    std::lock_guard<std::mutex> lock(mu_);
    --running_;
    if (!right || running_ == 0 || answered_ >= counted_ + kWindow) progress_.notify_one();
  }

  // Proxies share a connection unless its id tells them apart.
  static std::shared_ptr<BenchIce::BenchPrx> Proxy(
      const std::shared_ptr<Ice::Communicator>& communicator, const std::string& socket) {
    static std::atomic<int> connections = 0;
    std::string reference;
    std::ifstream file(ReferenceFile(socket));
    std::getline(file, reference);
    const auto proxy = communicator->stringToProxy(reference);
    return Ice::uncheckedCast<BenchIce::BenchPrx>(
        proxy->ice_connectionId(std::to_string(++connections)));
  }

  const std::shared_ptr<BenchIce::BenchPrx> bench_;
  std::mutex mu_;
  std::condition_variable progress_;
  uint64_t answered_ = 0;
  uint64_t counted_ = 0;
  int running_ = 0;
  bool stopping_ = false;
  absl::Status error_;
};

// Clients of a process, and what they share.
class Clients {
 public:
  explicit Clients(const std::string& socket) : socket_(socket) {}
  ~Clients() { communicator_->destroy(); }
  Client New() { return Client(communicator_, socket_); }

 private:
  const std::string socket_;
  const std::shared_ptr<Ice::Communicator> communicator_ = Communicator();
};

class IceContender final : public Contender {
 public:
  std::string name() const override { return "ZeroC Ice, TCP"; }
  std::string how() const override {
    return std::string(ICE_STRING_VERSION) +
           "; TCP on the loopback, since it has no UNIX sockets; one dispatch thread, no "
           "compression";
  }
  bool Does(Work, Placement) const override { return true; }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    const auto communicator = Communicator();
    const auto adapter =
        communicator->createObjectAdapterWithEndpoints("bench", "tcp -h 127.0.0.1 -p 0");
    const auto proxy = adapter->add(std::make_shared<Servant>(), Ice::stringToIdentity("bench"));
    std::ofstream(ReferenceFile(socket)) << proxy->ice_toString() << "\n";
    adapter->activate();
    ready();
    communicator->waitForShutdown();
    return absl::InternalError("stopped serving");
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    Clients clients(socket);
    switch (work) {
      case Work::kNullCall:
        return clients.New().NullCalls(seconds);
      case Work::kInFlight:
        return clients.New().InFlight(seconds);
      case Work::kThreads:
        return TimeThreads(kThreadCount, [&](int) { return clients.New().NullCalls(seconds); });
      case Work::kSharedConnection: {
        Client client = clients.New();
        return TimeThreads(kThreadCount, [&](int) { return client.NullCalls(seconds); });
      }
      case Work::kEcho64KiB:
      case Work::kEcho1MiB:
        return clients.New().Echoes(EchoBytes(work), seconds);
      case Work::kOneWay:
        return clients.New().OneWay(seconds);
      case Work::kConnect:
        return TimeCalls(seconds, [&] { return clients.New().CallOnce(); });
      case Work::kIdle:
        break;
    }
    return absl::UnimplementedError("not done");
  }

  absl::Status Hold(const std::string& socket, int connections,
                    const std::function<void()>& open) override {
    Clients clients(socket);
    std::vector<std::unique_ptr<Client>> held;
    for (int i = 0; i < connections; ++i) {
      held.emplace_back(new Client(clients.New()));
      if (absl::Status status = held.back()->CallOnce(); !status.ok()) return status;
    }
    open();
    SleepUntilKilled();
  }
};

}  // namespace
}  // namespace drover::bench

int main(int argc, char** argv) {
  drover::bench::IceContender ice;
  return drover::bench::PeerMain(argc, argv, {&ice});
}
