// Drover, through generated proxies and servants, as its users write them.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench.drover_zero_copy.h"
#include "common/contender.h"
#include "drover/base/status_macros.h"
#include "drover/fleet_server/serve_fleet.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/rpc/batch.h"

namespace drover::bench {
namespace {

using ::bench::BenchProxy;

class Servant final : public ::bench::BenchServant {
 public:
  absl::StatusOr<uint32_t> Calculate(uint32_t x) override { return x + 1; }
  absl::StatusOr<std::vector<uint8_t>> Echo(std::vector<uint8_t> data) override { return data; }
  absl::Status Note(uint32_t) override { return absl::OkStatus(); }
};

absl::Status Check(const absl::StatusOr<uint32_t>& answer) {
  if (!answer.ok()) return answer.status();
  return *answer == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
}

absl::StatusOr<Sample> NullCalls(const BenchProxy& proxy, double seconds) {
  return TimeCalls(seconds, [&] { return Check(proxy.Calculate(7)); });
}

// A ring of futures: the oldest is awaited, then replaced by a new call.
absl::StatusOr<Sample> InFlight(const BenchProxy& proxy, double seconds) {
  const BenchProxy::Async async = proxy.async();
  std::array<Future<uint32_t>, kWindow> ring;
  for (Future<uint32_t>& answer : ring) answer = async.Calculate(7);
  // One turn of the harness is once round the ring, so that its clock costs nothing.
  return TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
    for (Future<uint32_t>& answer : ring) {
      DROVER_RETURN_IF_ERROR(Check(answer.Get()));
      answer = async.Calculate(7);
    }
    return kWindow;
  });
}

// In one batch for each turn; the call with an answer tells that all have run.
absl::StatusOr<Sample> OneWayCalls(const BenchProxy& proxy, double seconds) {
  const BenchProxy::OneWay one_way = proxy.one_way();
  return TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
    {
      Batch batch;
      for (int i = 0; i < kOneWayTurn; ++i) DROVER_RETURN_IF_ERROR(one_way.Note(7));
    }
    DROVER_RETURN_IF_ERROR(Check(proxy.Calculate(7)));
    return kOneWayTurn;
  });
}

absl::StatusOr<Sample> Echoes(const BenchProxy& proxy, size_t size, double seconds) {
  const std::vector<uint8_t> data(size, 'x');
  return TimeCalls(seconds, [&]() -> absl::Status {
    DROVER_ASSIGN_OR_RETURN(const std::vector<uint8_t> answer, proxy.Echo(data));
    if (answer.size() != size || answer.back() != 'x') {
      return absl::DataLossError("another answer");
    }
    return absl::OkStatus();
  });
}

// The same in the zero-copy form: no copy into a message, and none out of it.
class ZeroCopyServant final : public ::bench::BenchZeroCopyServant {
 public:
  absl::Status EchoZeroCopy(EchoContext& call) override {
    call.results().adoptData(call.Share(call.params().getData()));
    return absl::OkStatus();
  }
};

absl::StatusOr<Sample> ZeroCopyEchoes(const ::bench::BenchZeroCopyProxy& proxy, size_t size,
                                      double seconds) {
  const auto data = std::make_shared<const std::vector<uint8_t>>(size, 'x');
  return TimeCalls(seconds, [&]() -> absl::Status {
    auto call = proxy.Echo();
    call.params().adoptData(call.Share(data));
    DROVER_ASSIGN_OR_RETURN(const auto reply, call.Send());
    const capnp::Data::Reader answer = reply.results().getData();
    if (answer.size() != size || answer.back() != 'x') {
      return absl::DataLossError("another answer");
    }
    return absl::OkStatus();
  });
}

// A new connection for each call.
absl::StatusOr<Sample> Connects(const std::string& endpoint, double seconds) {
  return TimeCalls(seconds, [&] { return Check(Connect<BenchProxy>(endpoint).Calculate(7)); });
}

// One way of using Drover. Each has a row of its own.
struct Variant {
  const char* name;
  const char* how;
  const char* scheme;  // of the endpoint, before the path of the socket
  const char* spin;    // DROVER_SPIN; null for the default
};

// Those at UNIX sockets stay there: main.cc.
constexpr Variant kDefault = {"Drover", "UNIX socket, defaults but for shared memory", "unix://",
                              nullptr};
constexpr Variant kNoSpin = {"Drover, DROVER_SPIN=0", "UNIX socket, never spins", "unix://", "0"};
constexpr Variant kZeroCopy = {"Drover, zero-copy",
                               "UNIX socket; a copy into each message and none out of it",
                               "unix://", nullptr};
constexpr Variant kShared = {"Drover, shm", "shared memory, defaults", "shm://", nullptr};
constexpr Variant kSharedNoSpin = {"Drover, shm, DROVER_SPIN=0", "shared memory, never spins",
                                   "shm://", "0"};
constexpr Variant kSharedZeroCopy = {"Drover, shm, zero-copy", "shared memory, zero-copy form",
                                     "shm://", nullptr};

constexpr Variant kInPlace = {"Drover, shm, own worker",
                              "shared memory with a worker of the client's own fleet, zero-copy "
                              "form: messages are built and read in place, and what came goes back",
                              "shm://", nullptr};

class VariantContender : public Contender {
 public:
  explicit VariantContender(const Variant& variant) : variant_(variant) {}

  std::string name() const override { return variant_.name; }
  Kind kind() const override { return Kind::kDrover; }
  std::string how() const override { return variant_.how; }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    DROVER_ASSIGN_OR_RETURN(Server server, drover::Serve(EndpointAt(socket), MakeServant()));
    ready();
    server.Wait();
    return absl::InternalError("stopped serving");
  }

 protected:
  // In either process before it uses Drover, which reads its environment once.
  std::string EndpointAt(const std::string& socket) const {
    if (variant_.spin != nullptr) setenv("DROVER_SPIN", variant_.spin, 1);
    return variant_.scheme + socket;
  }

  const Variant& variant() const { return variant_; }

 private:
  virtual std::shared_ptr<::bench::BenchServant> MakeServant() const = 0;

  const Variant variant_;
};

class Drover final : public VariantContender {
 public:
  using VariantContender::VariantContender;

  bool Does(Work work, Placement placement) const override {
    // Connections that have made one call are those of a UNIX socket: none has gone over.
    if (variant().scheme == kShared.scheme && (work == Work::kConnect || work == Work::kIdle)) {
      return false;
    }
    // With one CPU nobody spins: the calls of the variant that never does are measured to show it.
    return variant().spin == nullptr || placement == Placement::kTwoCpus || work == Work::kNullCall;
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    const std::string endpoint = EndpointAt(socket);
    const BenchProxy proxy = Connect<BenchProxy>(endpoint);
    switch (work) {
      case Work::kNullCall:
        return NullCalls(proxy, seconds);
      case Work::kInFlight:
        return InFlight(proxy, seconds);
      case Work::kThreads:
        return TimeThreads(kThreadCount,
                           [&](int) { return NullCalls(Connect<BenchProxy>(endpoint), seconds); });
      case Work::kSharedConnection:
        return TimeThreads(kThreadCount, [&](int) { return NullCalls(proxy, seconds); });
      case Work::kEcho64KiB:
      case Work::kEcho1MiB:
        return Echoes(proxy, EchoBytes(work), seconds);
      case Work::kConnect:
        return Connects(endpoint, seconds);
      case Work::kOneWay:
        return OneWayCalls(proxy, seconds);
      case Work::kIdle:
        break;
    }
    return absl::UnimplementedError("not done");
  }

  absl::Status Hold(const std::string& socket, int connections,
                    const std::function<void()>& open) override {
    const std::string endpoint = EndpointAt(socket);
    std::vector<BenchProxy> held;
    for (int i = 0; i < connections; ++i) {
      held.push_back(Connect<BenchProxy>(endpoint));
      DROVER_RETURN_IF_ERROR(Check(held.back().Calculate(7)));
    }
    open();
    SleepUntilKilled();
  }

 private:
  std::shared_ptr<::bench::BenchServant> MakeServant() const override {
    return std::make_shared<Servant>();
  }
};

class DroverZeroCopy : public VariantContender {
 public:
  using VariantContender::VariantContender;

  bool Does(Work work, Placement) const override { return IsEcho(work); }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    return ZeroCopyEchoes(Connect<BenchProxy>(EndpointAt(socket)), EchoBytes(work), seconds);
  }

 private:
  std::shared_ptr<::bench::BenchServant> MakeServant() const override {
    return std::make_shared<ZeroCopyServant>();
  }
};

// The server is a worker of the client's own fleet, in whose memory both build and read.
class DroverFleet final : public DroverZeroCopy {
 public:
  using DroverZeroCopy::DroverZeroCopy;

  absl::Status Serve(const std::string&, const std::function<void()>& ready) override {
    ready();
    SleepUntilKilled();
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    DROVER_ASSIGN_OR_RETURN(
        const Endpoint endpoint,
        Endpoint::Parse(EndpointAt(socket + "-" + std::to_string(getpid()) + "-worker")));
    DROVER_ASSIGN_OR_RETURN(const Fleet fleet,
                            ServeFleet({.workers = 1, .endpoints = {endpoint}},
                                       [](int) { return std::make_shared<ZeroCopyServant>(); }));
    return ZeroCopyEchoes(Connect<BenchProxy>(endpoint), EchoBytes(work), seconds);
  }
};

}  // namespace

std::vector<std::unique_ptr<Contender>> DroverContenders() {
  std::vector<std::unique_ptr<Contender>> contenders;
  contenders.push_back(std::make_unique<Drover>(kDefault));
  contenders.push_back(std::make_unique<Drover>(kNoSpin));
  contenders.push_back(std::make_unique<DroverZeroCopy>(kZeroCopy));
  contenders.push_back(std::make_unique<Drover>(kShared));
  contenders.push_back(std::make_unique<Drover>(kSharedNoSpin));
  contenders.push_back(std::make_unique<DroverZeroCopy>(kSharedZeroCopy));
  contenders.push_back(std::make_unique<DroverFleet>(kInPlace));
  return contenders;
}

}  // namespace drover::bench
