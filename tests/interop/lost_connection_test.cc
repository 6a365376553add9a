// Messages beyond the limits of an end, and connections that end in mid-call.
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/transport/dial.h"
#include "drover/transport/listener.h"
#include "interop/interop_fixture.h"
#include "interop/stock_huge.h"
#include "support/cuttable_listener.h"

namespace drover::interop {
namespace {

using ::testing::HasSubstr;
using testing_support::ConnectionCutter;

const ServerOptions kRoomyServer{.max_message_bytes = kRoomForHuge};
const ConnectOptions kRoomyProxy{.max_message_bytes = kRoomForHuge};

// A call of wait that has begun at the server.
Future<void> BeginWaiting(const WorkerProxy& worker) {
  Gate gate;
  gate.Open();
  auto waits = worker.async().Wait(std::make_shared<Listener>(gate), {});
  gate.AwaitArrivals(1);
  return waits;
}

// --- messages -----------------------------------------------------------------------------------

TEST_P(StockClientOfDrover, ExchangesHugeMessages) {
  ServeWorker({}, kRoomyServer);
  EXPECT_EQ(Run("huge messages"), kAllHeld);
}

TEST_P(StockClientOfDrover, LosesItsConnectionByAMessageAboveTheServersLimit) {
  ServeWorker();
  EXPECT_EQ(Run("too large message"), kAllHeld);
}

TEST_P(StockClientOfDrover, EndsItsConnectionForAnAnswerAboveItsLimit) {
  ServeWorker({}, kRoomyServer);
  EXPECT_EQ(Run("too large answer"), kAllHeld);
}

TEST_P(DroverProxyOfStock, ExchangesHugeMessages) {
  StockServer server(Endpoint(), "huge");
  auto worker = Connect<WorkerProxy>(server.endpoint(), kRoomyProxy);
  std::vector<uint8_t> data(kAboveTheDefault);
  data.back() = 7;
  EXPECT_TRUE(worker.Echo(data).value() == data);
}

// By the stock runtime, whose Abort says why.
void ExpectAborted(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(::interop::stock::kTooLarge));
}

TEST_P(DroverProxyOfStock, LearnsWhyTheServerAborts) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint(), kRoomyProxy);
  auto waits = BeginWaiting(worker);
  ExpectAborted(worker.Echo(std::vector<uint8_t>(kAboveTheDefault)).status());
  ExpectAborted(waits.Get());
  EXPECT_EQ(worker.Calculate(1).value(), 2u);  // over the next one
}

TEST_P(DroverProxyOfStock, EndsItsConnectionForAnAnswerAboveItsLimit) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint(), {.max_message_bytes = 1 << 20});
  auto waits = BeginWaiting(worker);
  const absl::Status status = worker.Blob(2 << 20).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(waits.Get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(worker.Calculate(1).value(), 2u);
  while (worker.Waiting().value() != 0) {
  }
}

// --- aborts -------------------------------------------------------------------------------------

TEST_P(StockClientOfDrover, LearnsWhyTheServerAborts) {
  ServeWorker({}, {.limits = {.max_imports = 5}});
  EXPECT_EQ(Run("abort"), kAllHeld);
}

TEST_P(DroverProxyOfStock, AbortsForMoreReferencesThanItTakes) {
  StockServer server(Endpoint());
  auto worker = Connect<WorkerProxy>(server.endpoint(), {.limits = {.max_imports = 3}});
  auto waits = BeginWaiting(worker);
  std::vector<WorkerProxy> held;
  absl::Status status;
  while (status.ok()) {
    absl::StatusOr<WorkerProxy> got = worker.Get();
    status = got.status();
    if (got.ok()) held.push_back(*got);
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(waits.Get().code(), absl::StatusCode::kUnavailable);
  held.clear();
  // The server has lost nothing but the connection, and let go of what it had there.
  while (worker.Waiting().value() != 0 || worker.Living().value() != 0) {
  }
}

// --- the end of the connection in mid-call ------------------------------------------------------

TEST_P(StockClientOfDrover, FailsInFlightWhenTheConnectionIsCut) {
  ConnectionCutter cutter;
  auto worker = std::make_shared<Worker>();
  auto server = Serve(cutter.Listen(drover::Endpoint::Parse(Endpoint()).value()), worker);
  ASSERT_TRUE(server.ok()) << server.status();
  StockClient client(server->endpoint().ToString(), "lost connection");
  EXPECT_EQ(client.ReadLine(), "waiting");
  EXPECT_EQ(worker->Waiting().value(), 3u);
  cutter.CutAll();
  EXPECT_EQ(client.Wait(), kAllHeld);
  while (worker->Waiting().value() != 0) {
  }
}

TEST_P(StockClientOfDrover, FailsInFlightWhenTheServerShutsDown) {
  ServeWorker();
  StockClient client(endpoint(), "lost connection");
  EXPECT_EQ(client.ReadLine(), "waiting");
  server_->Shutdown(absl::ZeroDuration());
  EXPECT_EQ(client.Wait(), kAllHeld);
}

TEST_P(DroverProxyOfStock, FailsInFlightWhenTheServerEnds) {
  StockServer server(Endpoint());
  auto waits = BeginWaiting(Connect<WorkerProxy>(server.endpoint()));
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_EQ(waits.Get().code(), absl::StatusCode::kUnavailable);
}

TEST_P(DroverProxyOfStock, FailsInFlightWhenTheConnectionIsCut) {
  StockServer server(Endpoint());
  auto stream = transport::Dial(drover::Endpoint::Parse(server.endpoint()).value()).value();
  const int fd = dup(stream->fd());
  auto worker = Connect<WorkerProxy>("fd:" + std::to_string(fd));
  std::vector<Future<void>> waits;
  for (int i = 0; i < 3; ++i) waits.push_back(BeginWaiting(worker));
  EXPECT_EQ(worker.Waiting().value(), 3u);
  shutdown(stream->fd(), SHUT_RDWR);
  for (auto& call : waits) EXPECT_EQ(call.Get().code(), absl::StatusCode::kUnavailable);
  auto other = Connect<WorkerProxy>(server.endpoint());
  while (other.Waiting().value() != 0) {
  }
}

}  // namespace
}  // namespace drover::interop
