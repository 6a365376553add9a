// Drover, through generated proxies and servants, as its users write them.
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
#include "drover/object/connect.h"
#include "drover/object/server.h"

namespace drover::bench {
namespace {

using ::bench::BenchProxy;

class Servant final : public ::bench::BenchServant {
 public:
  absl::StatusOr<uint32_t> Calculate(uint32_t x) override { return x + 1; }
  absl::StatusOr<std::vector<uint8_t>> Echo(std::vector<uint8_t> data) override { return data; }
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

// The same in the zero-copy form: a copy into each message, and none out of it.
class ZeroCopyServant final : public ::bench::BenchZeroCopyServant {
 public:
  absl::Status EchoZeroCopy(EchoContext& call) override {
    const capnp::Data::Reader data = call.params().getData();
    call.results(data.size()).setData(data);
    return absl::OkStatus();
  }
};

absl::StatusOr<Sample> ZeroCopyEchoes(const ::bench::BenchZeroCopyProxy& proxy, size_t size,
                                      double seconds) {
  const std::vector<uint8_t> data(size, 'x');
  return TimeCalls(seconds, [&]() -> absl::Status {
    auto call = proxy.Echo(size);
    call.params().setData(kj::arrayPtr(data.data(), size));
    DROVER_ASSIGN_OR_RETURN(const auto reply, call.Send());
    const capnp::Data::Reader answer = reply.results().getData();
    if (answer.size() != size || answer.back() != 'x') {
      return absl::DataLossError("another answer");
    }
    return absl::OkStatus();
  });
}

class Drover final : public Contender {
 public:
  explicit Drover(bool may_spin) : may_spin_(may_spin) {}

  std::string name() const override { return may_spin_ ? "Drover" : "Drover, DROVER_SPIN=0"; }

  // With one CPU it never spins: both variants would be the same.
  bool Does(Work, Placement placement) const override {
    return may_spin_ || placement == Placement::kTwoCpus;
  }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    SetSpin();
    DROVER_ASSIGN_OR_RETURN(Server server,
                            drover::Serve("unix://" + socket, std::make_shared<Servant>()));
    ready();
    server.Wait();
    return absl::InternalError("stopped serving");
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    SetSpin();
    const std::string endpoint = "unix://" + socket;
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
    }
    return absl::UnimplementedError("unknown work");
  }

 private:
  // Before the process uses Drover, which reads it once.
  void SetSpin() const {
    if (!may_spin_) setenv("DROVER_SPIN", "0", 1);
  }

  const bool may_spin_;
};

class DroverZeroCopy final : public Contender {
 public:
  std::string name() const override { return "Drover, zero-copy"; }

  bool Does(Work work, Placement) const override {
    return work == Work::kEcho64KiB || work == Work::kEcho1MiB;
  }

  absl::Status Serve(const std::string& socket, const std::function<void()>& ready) override {
    DROVER_ASSIGN_OR_RETURN(Server server,
                            drover::Serve("unix://" + socket, std::make_shared<ZeroCopyServant>()));
    ready();
    server.Wait();
    return absl::InternalError("stopped serving");
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& socket, double seconds) override {
    return ZeroCopyEchoes(Connect<BenchProxy>("unix://" + socket), EchoBytes(work), seconds);
  }
};

}  // namespace

std::vector<std::unique_ptr<Contender>> DroverContenders() {
  std::vector<std::unique_ptr<Contender>> contenders;
  contenders.push_back(std::make_unique<Drover>(/*may_spin=*/true));
  contenders.push_back(std::make_unique<Drover>(/*may_spin=*/false));
  contenders.push_back(std::make_unique<DroverZeroCopy>());
  return contenders;
}

}  // namespace drover::bench
