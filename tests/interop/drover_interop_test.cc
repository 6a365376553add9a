// Drover and the stock runtime, each calling the other, over UNIX and TCP.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/object/one_way.h"
#include "drover/object/stream.h"
#include "drover/transport/dial.h"
#include "interop/interop_fixture.h"
#include "support/scripted_peer.h"

namespace drover::interop {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing_support::ScriptedPeer;

std::string NameOf(const testing::TestParamInfo<const char*>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Over, StockClientOfDrover, testing::Values("unix", "tcp"), NameOf);
INSTANTIATE_TEST_SUITE_P(Over, DroverProxyOfStock, testing::Values("unix", "tcp"), NameOf);

// --- a stock client, a Drover worker ------------------------------------------------------------

TEST_P(StockClientOfDrover, FindsEverythingAsItShouldBe) {
  ServeWorker();
  EXPECT_EQ(Run("everything"), kAllHeld);
}

TEST_P(StockClientOfDrover, CancelsItsCallByBeingKilled) {
  Gate gate;
  ServeWorker({.gate = gate});
  StockClient client(endpoint());
  gate.AwaitArrivals(1);
  client.Kill();
  gate.AwaitCancellations(1);
  // Others are served as before.
  gate.Open();
  EXPECT_EQ(Run("everything"), kAllHeld);
}

// The stock runtime counts the bytes that are on their way, and takes as many as a socket's buffer
// holds: tens of thousands of calls, if they are little.
TEST_P(StockClientOfDrover, StreamsLittleToASinkThatIsSlow) {
  Limits limits = kWithFds;
  size_t least = 0, usual = 0, most = 0;
  std::ifstream("/proc/sys/net/ipv4/tcp_wmem") >> least >> usual >> most;
  if (most > 4 << 20) limits.max_calls_in_flight = most / 64;  // the default is for the default
  Gate gate;
  ServeWorker({.gate = gate}, {.limits = limits});
  StockClient client(endpoint(), "stream of little");
  const int on_their_way = std::atoi(client.ReadLine().c_str());
  EXPECT_GT(on_their_way, 1000);
  EXPECT_LT(on_their_way, static_cast<int>(limits.max_calls_in_flight));
  gate.Open();
  EXPECT_EQ(client.Wait(), kAllHeld);
}

TEST_P(StockClientOfDrover, IsNotDisturbedByPings) {
  ServeWorker({}, {.limits = kWithFds,
                   .ping_interval = absl::Microseconds(100),
                   .ping_timeout = absl::Minutes(1)});
  EXPECT_EQ(Run("everything"), kAllHeld);
}

// --- a Drover proxy, a stock worker -------------------------------------------------------------

TEST_P(DroverProxyOfStock, GetsAnswers) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  EXPECT_EQ(worker.Calculate(41).value(), 42u);
  std::vector<Future<uint32_t>> answers;
  for (uint32_t x = 0; x < 128; ++x) answers.push_back(worker.async().Calculate(x));
  for (uint32_t x = 0; x < 128; ++x) EXPECT_EQ(answers[x].Get().value(), x + 1);
}

TEST_P(DroverProxyOfStock, MakesOneWayCallsAsOrdinaryOnes) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint());
  // Before it is known that the server is not Drover, and then; more than may be unanswered.
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_EQ(worker.one_way().Fail("no tyres left"), absl::OkStatus());
  }
  EXPECT_EQ(Sync(worker), absl::OkStatus());
  EXPECT_EQ(worker.Calculate(1).value(), 2u);
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
  for (size_t size : {0, 1, 4096, 65536, 1 << 20, 8 << 20}) {
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
  const WorkerProxy other = worker.Get().value();
  const WorkerProxy ours(std::make_shared<Worker>());
  if (over_unix()) {
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
