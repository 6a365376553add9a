// Drover and the stock runtime, each calling the other, over UNIX and TCP.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/object/stream.h"
#include "drover/transport/dial.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "interop.drover.h"
#include "interop/stock_process.h"
#include "support/gate.h"
#include "support/scripted_peer.h"
#include "support/temp_dir.h"

namespace drover::interop {
namespace {

using ::interop::ListenerProxy;
using ::interop::ListenerServant;
using ::interop::SinkDoneResults;
using ::interop::SinkProxy;
using ::interop::SinkServant;
using ::interop::WorkerProxy;
using ::interop::WorkerServant;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing_support::Gate;
using testing_support::ScriptedPeer;
using testing_support::TempDir;

absl::StatusCode CodeFor(const std::string& reason) {
  if (reason.starts_with("overloaded")) return absl::StatusCode::kResourceExhausted;
  if (reason.starts_with("disconnected")) return absl::StatusCode::kUnavailable;
  if (reason.starts_with("unimplemented")) return absl::StatusCode::kUnimplemented;
  return absl::StatusCode::kInvalidArgument;
}

// What stock_client expects of a Sink.
class Sink final : public SinkServant {
 public:
  absl::Status Write(std::vector<uint8_t> chunk) override {
    if (chunk.empty()) return absl::InvalidArgumentError("an empty chunk");
    if (chunk[0] != static_cast<uint8_t>(got_.chunks)) got_.in_order = false;
    ++got_.chunks;
    got_.bytes += chunk.size();
    return absl::OkStatus();
  }
  absl::StatusOr<SinkDoneResults> Done() override { return got_; }

 private:
  SinkDoneResults got_{.chunks = 0, .bytes = 0, .in_order = true};
};
// A file in memory.
base::UniqueFd FileOf(const std::string& content) {
  base::UniqueFd fd(memfd_create("drover", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return fd;
}

absl::StatusOr<std::string> ContentOf(const Proxy& proxy) {
  absl::StatusOr<base::UniqueFd> fd = proxy.attached_fd();
  if (!fd.ok()) return fd.status();
  char content[100];
  const ssize_t n = pread(fd->get(), content, sizeof content, 0);
  return std::string(content, n < 0 ? 0 : n);
}

constexpr Limits kWithFds{.max_fds_per_message = 16};

// What stock_client expects of a Worker.
class Worker final : public WorkerServant {
 public:
  explicit Worker(std::shared_ptr<std::atomic<uint32_t>> living,
                  std::optional<Gate> gate = std::nullopt)
      : living_(std::move(living)), gate_(std::move(gate)) {
    ++*living_;
  }
  ~Worker() override { --*living_; }

  absl::StatusOr<uint32_t> Calculate(uint32_t x) override {
    if (gate_) {
      if (absl::Status passed = gate_->Pass(); !passed.ok()) return passed;
    }
    return x + 1;
  }
  absl::StatusOr<std::string> Subscribe(ListenerProxy listener) override {
    return listener.Heard("news");
  }
  absl::StatusOr<WorkerProxy> Get() override {
    return WorkerProxy(std::make_shared<Worker>(living_));
  }
  absl::Status Fail(std::string reason) override { return absl::Status(CodeFor(reason), reason); }
  absl::StatusOr<std::vector<uint8_t>> Echo(std::vector<uint8_t> data) override { return data; }
  absl::StatusOr<SinkProxy> Open() override { return SinkProxy(std::make_shared<Sink>()); }
  absl::StatusOr<std::string> Read(WorkerProxy worker) override {
    return ContentOf(worker).value_or("");
  }
  int AttachedFd() override { return file_.get(); }
  // This one is not among those that Get returned.
  absl::StatusOr<uint32_t> Living() override { return *living_ - 1; }

 private:
  const std::shared_ptr<std::atomic<uint32_t>> living_;
  std::optional<Gate> gate_;
  const base::UniqueFd file_ = FileOf("worker");
};

// Answers what it heard, once the gate is open, and tells when it is destroyed.
class Listener final : public ListenerServant {
 public:
  Listener() { gate_.Open(); }
  explicit Listener(Gate gate) : gate_(std::move(gate)) {}

  Future<void> Gone() { return gone_.future(); }

  absl::StatusOr<std::string> Heard(std::string text) override {
    if (absl::Status passed = gate_.Pass(); !passed.ok()) return passed;
    return "heard " + text;
  }
  ~Listener() override { gone_.Set(absl::OkStatus()); }

 private:
  Gate gate_;
  Promise<void> gone_;
};

class Interop : public testing::TestWithParam<const char*> {
 protected:
  std::string Endpoint() const {
    if (std::string(GetParam()) == "tcp") return "tcp://127.0.0.1:0";
    return "unix://" + dir_.path("worker");
  }

  TempDir dir_;
};

std::string NameOf(const testing::TestParamInfo<const char*>& info) { return info.param; }

// --- a stock client, a Drover worker ------------------------------------------------------------

class StockClientOfDrover : public Interop {};

INSTANTIATE_TEST_SUITE_P(Over, StockClientOfDrover, testing::Values("unix", "tcp"), NameOf);

TEST_P(StockClientOfDrover, FindsEverythingAsItShouldBe) {
  auto living = std::make_shared<std::atomic<uint32_t>>(0);
  auto server = Serve(Endpoint(), std::make_shared<Worker>(living), {.limits = kWithFds});
  ASSERT_TRUE(server.ok()) << server.status();
  StockClientResult result = RunStockClient(server->endpoint().ToString());
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "");
}

TEST_P(StockClientOfDrover, CancelsItsCallByBeingKilled) {
  Gate gate;
  auto living = std::make_shared<std::atomic<uint32_t>>(0);
  auto server = Serve(Endpoint(), std::make_shared<Worker>(living, gate), {.limits = kWithFds});
  ASSERT_TRUE(server.ok()) << server.status();
  StockClient client(server->endpoint().ToString());
  gate.AwaitArrivals(1);
  client.Kill();
  gate.AwaitCancellations(1);
  // Others are served as before.
  gate.Open();
  EXPECT_EQ(RunStockClient(server->endpoint().ToString()).status, 0);
}

TEST_P(StockClientOfDrover, IsNotDisturbedByPings) {
  auto living = std::make_shared<std::atomic<uint32_t>>(0);
  auto server = Serve(Endpoint(), std::make_shared<Worker>(living),
                      {.limits = kWithFds,
                       .ping_interval = absl::Microseconds(100),
                       .ping_timeout = absl::Minutes(1)});
  ASSERT_TRUE(server.ok()) << server.status();
  StockClientResult result = RunStockClient(server->endpoint().ToString());
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "");
}

// --- a Drover proxy, a stock worker -------------------------------------------------------------

class DroverProxyOfStock : public Interop {};

INSTANTIATE_TEST_SUITE_P(Over, DroverProxyOfStock, testing::Values("unix", "tcp"), NameOf);

TEST_P(DroverProxyOfStock, GetsAnswers) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  EXPECT_EQ(worker.Calculate(41).value(), 42u);
  std::vector<Future<uint32_t>> answers;
  for (uint32_t x = 0; x < 128; ++x) answers.push_back(worker.async().Calculate(x));
  for (uint32_t x = 0; x < 128; ++x) EXPECT_EQ(answers[x].Get().value(), x + 1);
}

TEST_P(DroverProxyOfStock, IsCalledBackThenReleased) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  auto listener = std::make_shared<Listener>();
  Future<void> gone = listener->Gone();
  EXPECT_EQ(worker.Subscribe(std::move(listener)).value(), "heard news");
  // The stock server's Release comes at its leisure.
  EXPECT_EQ(gone.Get(), absl::OkStatus());
}

TEST_P(DroverProxyOfStock, CallsAWorkerThatWasReturnedAndReleasesIt) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  {
    WorkerProxy other = worker.Get().value();
    EXPECT_EQ(worker.Living().value(), 1u);
    WorkerProxy copy = other;
    other = WorkerProxy();
    EXPECT_EQ(copy.Calculate(1).value(), 2u);
  }
  while (worker.Living().value() != 0) {
  }
}

TEST_P(DroverProxyOfStock, SeesFailuresWithTheirKindAndReason) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  const std::pair<const char*, absl::StatusCode> failures[] = {
      {"no tyres left", absl::StatusCode::kUnknown},
      {"overloaded, alas", absl::StatusCode::kResourceExhausted},
      {"disconnected, alas", absl::StatusCode::kUnavailable},
      {"unimplemented, alas", absl::StatusCode::kUnimplemented},
  };
  for (const auto& [reason, code] : failures) {
    const absl::Status status = worker.Fail(reason);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
  }
  EXPECT_EQ(worker.Calculate(5).value(), 6u);
}

TEST_P(DroverProxyOfStock, LearnsThatAnInterfaceIsNotThere) {
  StockServer server(Endpoint());
  auto wrong = Connect<ListenerProxy>(server.endpoint());
  EXPECT_EQ(wrong.Heard("news").status().code(), absl::StatusCode::kUnimplemented);
}

TEST_P(DroverProxyOfStock, GetsBackDataOfEverySize) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  for (size_t size : {0, 1, 4096, 65536, 1 << 20}) {
    std::vector<uint8_t> data(size);
    for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(i * 31 + i / 256);
    EXPECT_TRUE(worker.Echo(data).value() == data) << size;
  }
}

TEST_P(DroverProxyOfStock, StreamsChunks) {
  StockServer server(Endpoint());
  SinkProxy sink = Connect<WorkerProxy>(server.endpoint()).Open().value();
  std::vector<uint8_t> chunk(8'192);
  for (uint32_t i = 0; i < 1'000; ++i) {
    chunk[0] = static_cast<uint8_t>(i);
    ASSERT_EQ(sink.Write(chunk), absl::OkStatus());
  }
  EXPECT_EQ(FinishStream(sink), absl::OkStatus());
  EXPECT_EQ(sink.Done().value(),
            (SinkDoneResults{.chunks = 1'000, .bytes = 8'192'000, .in_order = true}));
}

TEST_P(DroverProxyOfStock, LearnsThatAStreamFailed) {
  StockServer server(Endpoint());
  SinkProxy sink = Connect<WorkerProxy>(server.endpoint()).Open().value();
  EXPECT_EQ(sink.Write({}), absl::OkStatus());
  const absl::Status status = FinishStream(sink);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("an empty chunk"));
}

TEST_P(DroverProxyOfStock, PipelinesThroughAWorkerThatIsNotThereYet) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  EXPECT_EQ(worker.async().Get().Pipeline().Get().Pipeline().Calculate(1).Get().value(), 2u);
}

TEST_P(DroverProxyOfStock, DropsACallWithoutDisturbingOthers) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  Gate gate;
  {
    auto dropped = worker.async().Subscribe(std::make_shared<Listener>(gate));
    gate.AwaitArrivals(1);
  }
  EXPECT_EQ(worker.Calculate(6).value(), 7u);
  gate.Open();
  EXPECT_EQ(worker.Calculate(7).value(), 8u);
}

TEST_P(DroverProxyOfStock, GetsAndGivesDescriptorsOverUnixAlone) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint(), {.limits = kWithFds});
  const bool unix_socket = std::string(GetParam()) == "unix";
  const WorkerProxy other = worker.Get().value();
  const WorkerProxy ours(std::make_shared<Worker>(std::make_shared<std::atomic<uint32_t>>(0)));
  if (unix_socket) {
    EXPECT_EQ(ContentOf(other).value(), "worker");
    EXPECT_EQ(worker.Read(ours).value(), "worker");
  } else {
    EXPECT_EQ(ContentOf(other).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(worker.Read(ours).value(), "");
  }
  EXPECT_EQ(other.Calculate(1).value(), 2u);
}

TEST_P(DroverProxyOfStock, HasItsPingsAnswered) {
  StockServer server(Endpoint());
  auto stream = transport::Dial(drover::Endpoint::Parse(server.endpoint()).value()).value();
  ScriptedPeer peer(base::UniqueFd(dup(stream->fd())));
  for (int i = 0; i < 3; ++i) {
    // Before its first message, which a Bootstrap is, as well as after it.
    peer.Send([](protocol::Message::Builder m) { m.initObsoleteSave(); });
    auto pong = peer.Expect(protocol::Message::UNIMPLEMENTED);
    EXPECT_TRUE(pong->root().getUnimplemented().isObsoleteSave());
    peer.Bootstrap();
  }
}

TEST_P(DroverProxyOfStock, FailsInFlightWithUnavailableNamingTheEndpointWhenTheServerIsKilled) {
  StockServer server(Endpoint());
  const std::string endpoint = server.endpoint();
  auto worker = Connect<WorkerProxy>(endpoint);
  Gate gate;
  auto answer = worker.async().Subscribe(std::make_shared<Listener>(gate));
  gate.AwaitArrivals(1);
  server.Kill();
  const absl::Status status = answer.Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(endpoint));
  EXPECT_THAT(std::string(status.message()), StartsWith("Worker.subscribe"));
  gate.AwaitCancellations(1);  // the callback's caller is gone too
}

}  // namespace
}  // namespace drover::interop
