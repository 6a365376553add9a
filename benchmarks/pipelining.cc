#include "pipelining.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench.drover.h"
#include "common/delayed_link.h"
#include "common/process.h"
#include "common/sample.h"
#include "drover/base/status_macros.h"
#include "drover/base/unique_fd.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"

namespace drover::bench {
namespace {

using ::bench::BenchProxy;

constexpr absl::Duration kEachWay = absl::Milliseconds(10);
constexpr int kChain = 5;
constexpr double kMostRoundTrips = 1.1;  // of the pipelined chain

// --- the servers, at end 0 ----------------------------------------------------------------------

// In namespaces of their own, where no port is taken.
constexpr uint16_t kRawPort = 7001;
constexpr uint16_t kDroverPort = 7002;

class Servant final : public ::bench::BenchServant {
 public:
  absl::StatusOr<uint32_t> Calculate(uint32_t x) override { return x + 1; }
  absl::StatusOr<BenchProxy> Another() override { return BenchProxy(std::make_shared<Servant>()); }
};

std::string Url() { return absl::StrCat("tcp://", DelayedLink::Address(0), ":", kDroverPort); }

absl::Status ServeDrover(const std::function<void()>& ready) {
  DROVER_ASSIGN_OR_RETURN(Server server, drover::Serve(Url(), std::make_shared<Servant>(),
                                                       ServerOptions{.allow_plaintext = true}));
  ready();
  server.Wait();
  return absl::InternalError("stopped serving");
}

absl::StatusOr<base::UniqueFd> TcpSocket() {
  base::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!fd.valid() || setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    return absl::ErrnoToStatus(errno, "socket");
  }
  return fd;
}

sockaddr_in RawAddress() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(kRawPort);
  inet_pton(AF_INET, DelayedLink::Address(0), &address.sin_addr);
  return address;
}

// As large as a small call and its answer. It is sent whole, and arrives so.
using Ball = std::array<char, 64>;

absl::Status Throw(const base::UniqueFd& fd, const Ball& ball) {
  if (send(fd.get(), ball.data(), ball.size(), MSG_NOSIGNAL) == ssize_t(ball.size())) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "send");
}

absl::Status Catch(const base::UniqueFd& fd, Ball& ball) {
  const ssize_t n = recv(fd.get(), ball.data(), ball.size(), MSG_WAITALL);
  if (n == ssize_t(ball.size())) return absl::OkStatus();
  return n < 0 ? absl::ErrnoToStatus(errno, "recv") : absl::UnavailableError("the peer closed");
}

// Throws back what it gets, one client after another.
absl::Status ServeRaw(const std::function<void()>& ready) {
  DROVER_ASSIGN_OR_RETURN(const base::UniqueFd listener, TcpSocket());
  const sockaddr_in address = RawAddress();
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0) {
    return absl::ErrnoToStatus(errno, "listening");
  }
  ready();
  for (;;) {
    const base::UniqueFd fd(accept(listener.get(), nullptr, nullptr));
    if (!fd.valid()) return absl::ErrnoToStatus(errno, "accept");
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (Ball ball; Catch(fd, ball).ok() && Throw(fd, ball).ok();) {
    }
  }
}

// --- the clients, at end 1 ----------------------------------------------------------------------

absl::StatusOr<Sample> RawPingPong(double seconds) {
  DROVER_ASSIGN_OR_RETURN(const base::UniqueFd fd, TcpSocket());
  const sockaddr_in address = RawAddress();
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return absl::ErrnoToStatus(errno, "connect");
  }
  Ball ball = {};
  return TimeCalls(seconds, [&]() -> absl::Status {
    DROVER_RETURN_IF_ERROR(Throw(fd, ball));
    return Catch(fd, ball);
  });
}

absl::Status Check(const absl::StatusOr<uint32_t>& answer) {
  if (!answer.ok()) return answer.status();
  return *answer == 8 ? absl::OkStatus() : absl::DataLossError("not 8");
}

absl::StatusOr<Sample> OneCall(double seconds) {
  const auto bench = Connect<BenchProxy>(Url());
  return TimeCalls(seconds, [&] { return Check(bench.Calculate(7)); });
}

absl::StatusOr<Sample> PipelinedChain(double seconds) {
  const auto bench = Connect<BenchProxy>(Url());
  return TimeCalls(seconds, [&] {
    BenchProxy::Async last = bench.async();
    for (int call = 1; call < kChain; ++call) last = last.Another().Pipeline();
    return Check(last.Calculate(7).Get());
  });
}

absl::StatusOr<Sample> AwaitedChain(double seconds) {
  const auto bench = Connect<BenchProxy>(Url());
  return TimeCalls(seconds, [&]() -> absl::Status {
    BenchProxy last = bench;
    for (int call = 1; call < kChain; ++call) {
      DROVER_ASSIGN_OR_RETURN(last, last.Another());
    }
    return Check(last.Calculate(7));
  });
}

// --- the section --------------------------------------------------------------------------------

struct Row {
  const char* what;
  absl::StatusOr<Sample> (*measure)(double seconds);
  std::vector<double> milliseconds;  // of each round: its median
};

// Times of the first row's, in each round.
std::vector<double> RoundTrips(const Row& row, const Row& first) {
  std::vector<double> ratios;
  for (size_t i = 0; i < row.milliseconds.size(); ++i) {
    ratios.push_back(row.milliseconds[i] / first.milliseconds[i]);
  }
  return ratios;
}

std::string Table(const std::vector<Row>& rows) {
  std::string table = "| | time, ms | round trips | worst round |\n| --- | ---: | ---: | ---: |\n";
  for (const Row& row : rows) {
    const std::vector<double> ratios = RoundTrips(row, rows[0]);
    absl::StrAppendFormat(&table, "| %s | %.2f | %.2f | %.2f |\n", row.what,
                          Median(row.milliseconds), Median(ratios),
                          *std::max_element(ratios.begin(), ratios.end()));
  }
  return table;
}

constexpr char kTitle[] = "## A link of 10 ms each way\n\n";

}  // namespace

absl::StatusOr<std::string> PipeliningReport(int rounds, double seconds) {
  const absl::StatusOr<DelayedLink> link = DelayedLink::Make(kEachWay);
  if (!link.ok()) {
    std::cerr << "bench: skipped what needs a link with a delay: " << link.status().message()
              << std::endl;
    return absl::StrCat(kTitle, "Not measured: ", link.status().message(), "\n");
  }
  const std::vector<int> cpus = AllowedCpus();
  auto serve = [&](absl::Status (*body)(const std::function<void()>&)) {
    return ServerProcess::Start(cpus, [&, body](const std::function<void()>& ready) {
      absl::Status entered = link->Enter(0);
      return entered.ok() ? body(ready) : entered;
    });
  };
  DROVER_ASSIGN_OR_RETURN(const ServerProcess raw, serve(&ServeRaw));
  DROVER_ASSIGN_OR_RETURN(const ServerProcess drover, serve(&ServeDrover));

  constexpr size_t kPipelined = 2;
  std::vector<Row> rows = {{"raw TCP, 64 bytes to and fro", &RawPingPong, {}},
                           {"Drover, one call", &OneCall, {}},
                           {"Drover, a chain of 5 calls, pipelined", &PipelinedChain, {}},
                           {"Drover, the same 5 calls, each awaited", &AwaitedChain, {}}};
  for (int round = 1; round <= rounds; ++round) {
    std::cerr << "link with a delay: round " << round << " of " << rounds << std::endl;
    for (Row& row : rows) {
      auto sample = RunInProcess(cpus, [&]() -> absl::StatusOr<Sample> {
        DROVER_RETURN_IF_ERROR(link->Enter(1));
        return row.measure(seconds);
      });
      if (!sample.ok()) {
        return absl::Status(sample.status().code(),
                            absl::StrCat(row.what, ": ", sample.status().message()));
      }
      row.milliseconds.push_back(sample->p50_us / 1000);
    }
  }
  const bool met = Median(RoundTrips(rows[kPipelined], rows[0])) <= kMostRoundTrips;
  return absl::StrCat(
      kTitle, "Server and client have a network namespace each. ", link->how(),
      " A round trip takes 20 ms and a little. Each call of the chain but the first is made on the "
      "object that the call before it returns. A figure is the median of the rounds (",
      rounds, "); round trips are counted in those of raw TCP in the same round.\n\n", Table(rows),
      "\nTarget: the pipelined chain takes one round trip, at most ",
      absl::StrFormat("%g", kMostRoundTrips), ". Met: ", met ? "yes" : "**no**", ".\n");
}

}  // namespace drover::bench
