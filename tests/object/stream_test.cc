// Methods declared `-> stream`, and the window that holds their senders back.
#include "drover/object/stream.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/base/status_macros.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/object/stream_window.h"
#include "gtest/gtest.h"
#include "sink.drover.h"
#include "support/cuttable_listener.h"
#include "support/gate.h"

namespace drover {
namespace {

using object::StreamWindow;
using object::WindowEstimate;
using sink::PumpProxy;
using sink::SinkProxy;
using testing_support::ConnectionCutter;
using testing_support::Gate;

// The number of a chunk is its first two bytes.
std::vector<uint8_t> Chunk(uint32_t number, size_t size) {
  std::vector<uint8_t> chunk(size, 0);
  chunk[0] = static_cast<uint8_t>(number % 251);
  chunk[1] = static_cast<uint8_t>(number / 251);
  return chunk;
}
const std::vector<uint8_t> kBadChunk(100, 255);

// Each chunk waits at the gate first.
class Sink : public sink::SinkServant {
 public:
  explicit Sink(Gate gate) : gate_(std::move(gate)) {}

  absl::Status Write(std::vector<uint8_t> chunk) override {
    DROVER_RETURN_IF_ERROR(gate_.Pass());
    if (chunk[0] == 255) return absl::DataLossError("a bad chunk");
    if (chunk[0] + 251 * chunk[1] != static_cast<int>(got_.chunks)) got_.in_order = false;
    ++got_.chunks;
    got_.bytes += chunk.size();
    return absl::OkStatus();
  }
  absl::StatusOr<sink::SinkDoneResults> Done() override { return got_; }

 private:
  Gate gate_;
  sink::SinkDoneResults got_{.chunks = 0, .bytes = 0, .in_order = true};
};

absl::Status PumpInto(const SinkProxy& sink, uint32_t chunks, uint32_t size) {
  for (uint32_t i = 0; i < chunks; ++i) DROVER_RETURN_IF_ERROR(sink.Write(Chunk(i, size)));
  return FinishStream(sink);
}

class Streams : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { sink_ = Reach<SinkProxy>(std::make_shared<Sink>(gate_)); }

  template <class P, class S>
  P Reach(std::shared_ptr<S> servant) {
    if (GetParam() == "local") return P(std::move(servant));
    const std::string inproc = "inproc://sink" + std::to_string(servers_.size());
    auto server = Serve(GetParam() == "tcp" ? "tcp://127.0.0.1:0" : inproc, servant);
    EXPECT_TRUE(server.ok()) << server.status();
    servers_.push_back(std::move(*server));
    return Connect<P>(servers_.back().endpoint());
  }
  StreamWindow& window() { return StreamWindow::Of(*sink_.capability()); }

  Gate gate_;
  std::vector<Server> servers_;
  SinkProxy sink_;
};

INSTANTIATE_TEST_SUITE_P(Over, Streams, testing::Values("local", "inproc", "tcp"),
                         [](const auto& info) { return info.param; });

TEST_P(Streams, ArriveInOrder) {
  gate_.Open();
  EXPECT_EQ(PumpInto(sink_, 2'000, 4'000), absl::OkStatus());
  EXPECT_EQ(sink_.Done().value(),
            (sink::SinkDoneResults{.chunks = 2'000, .bytes = 8'000'000, .in_order = true}));
}

TEST_P(Streams, DoNotWaitForAnswers) {
  for (uint32_t i = 0; i < 10; ++i) EXPECT_EQ(sink_.Write(Chunk(i, 100)), absl::OkStatus());
  gate_.Open();
  EXPECT_EQ(FinishStream(sink_), absl::OkStatus());
  EXPECT_EQ(sink_.Done()->chunks, 10u);
}

TEST_P(Streams, ComeBeforeTheCallsMadeAfterThem) {
  for (uint32_t i = 0; i < 10; ++i) EXPECT_EQ(sink_.Write(Chunk(i, 100)), absl::OkStatus());
  auto done = sink_.async().Done();
  gate_.Open();
  EXPECT_EQ(done.Get()->chunks, 10u);
}

TEST_P(Streams, HoldTheirSenderBackAtTheWindow) {
  constexpr size_t kSize = 8'000;
  std::thread sender([this] { EXPECT_EQ(PumpInto(sink_, 500, kSize), absl::OkStatus()); });
  // As long as there is room the sender fills it, and not further.
  while (window().bytes_in_flight() + kSize + 1'000 <= WindowEstimate::kLeastBytes) {
    std::this_thread::yield();
  }
  EXPECT_LE(window().bytes_in_flight(), WindowEstimate::kLeastBytes);
  EXPECT_EQ(window().window(), WindowEstimate::kLeastBytes);
  gate_.AwaitArrivals(1);
  EXPECT_LE(window().bytes_in_flight(), WindowEstimate::kLeastBytes);
  gate_.Open();
  sender.join();
  EXPECT_EQ(window().bytes_in_flight(), 0u);
  EXPECT_EQ(sink_.Done().value(),
            (sink::SinkDoneResults{.chunks = 500, .bytes = 500 * kSize, .in_order = true}));
}

TEST_P(Streams, TellAnAsyncSenderWhenThereIsRoom) {
  std::vector<Future<void>> room;
  do {
    room.push_back(sink_.async().Write(Chunk(static_cast<uint32_t>(room.size()), 8'000)));
  } while (room.back().ready());
  EXPECT_LE(window().bytes_in_flight(), WindowEstimate::kLeastBytes);
  gate_.Open();
  EXPECT_EQ(room.back().Get(), absl::OkStatus());
  EXPECT_EQ(FinishStreamAsync(sink_).Get(), absl::OkStatus());
  EXPECT_EQ(sink_.Done()->chunks, room.size());
  EXPECT_TRUE(sink_.Done()->in_order);
}

TEST_P(Streams, CountLittleCallsAsHalfAKibibyte) {
  std::vector<Future<void>> room;
  do {
    room.push_back(sink_.async().Write(Chunk(static_cast<uint32_t>(room.size()), 2)));
  } while (room.back().ready());
  EXPECT_EQ(room.size(), WindowEstimate::kLeastBytes / 512);
  EXPECT_EQ(window().bytes_in_flight(), WindowEstimate::kLeastBytes);
  gate_.Open();
  EXPECT_EQ(FinishStream(sink_), absl::OkStatus());
  EXPECT_EQ(sink_.Done()->chunks, room.size());
}

TEST(StreamDefaults, KeepTheLargestWindowOfCallsWithinTheReceiversLimit) {
  EXPECT_LE(WindowEstimate::kMostBytes / StreamWindow::kLeastCallBytes,
            Limits().max_calls_in_flight / 2);
}

TEST_P(Streams, AreNotCancelledByDroppingTheFuture) {
  for (uint32_t i = 0; i < 20; ++i) sink_.async().Write(Chunk(i, 8'000)).WaitFor({});
  gate_.Open();
  EXPECT_EQ(FinishStream(sink_), absl::OkStatus());
  EXPECT_EQ(sink_.Done()->chunks, 20u);
}

TEST_P(Streams, CarryACallLargerThanTheWindow) {
  gate_.Open();
  EXPECT_EQ(PumpInto(sink_, 5, 1 << 20), absl::OkStatus());
  EXPECT_EQ(sink_.Done()->bytes, 5u << 20);
}

TEST_P(Streams, GiveTheFirstErrorToAllLaterCallsUntilTheyAreFinished) {
  gate_.Open();
  const absl::Status error = absl::DataLossError("a bad chunk");
  EXPECT_EQ(sink_.Write(Chunk(0, 100)), absl::OkStatus());
  EXPECT_EQ(sink_.Write(kBadChunk), absl::OkStatus());
  // When the error is known is a matter of time.
  uint32_t sent = 1;
  absl::Status status;
  while ((status = sink_.Write(Chunk(sent, 100))).ok()) ++sent;
  EXPECT_EQ(status, error);
  EXPECT_EQ(sink_.Write(Chunk(sent, 100)), error);
  EXPECT_EQ(sink_.async().Write(Chunk(sent, 100)).Get(), error);
  EXPECT_EQ(sink_.Done()->chunks, sent);
  EXPECT_EQ(FinishStream(sink_), error);
  EXPECT_EQ(FinishStream(sink_), absl::OkStatus());
  EXPECT_EQ(sink_.Write(Chunk(sent, 100)), absl::OkStatus());
  EXPECT_EQ(FinishStream(sink_), absl::OkStatus());
  EXPECT_EQ(sink_.Done()->chunks, sent + 1);
}

TEST_P(Streams, GiveTheErrorToThoseWhoWaitForRoom) {
  std::vector<Future<void>> room;
  EXPECT_EQ(sink_.Write(kBadChunk), absl::OkStatus());
  do {
    room.push_back(sink_.async().Write(Chunk(static_cast<uint32_t>(room.size()), 8'000)));
  } while (room.back().ready());
  std::thread sender(
      [this] { EXPECT_EQ(sink_.Write(Chunk(0, 8'000)), absl::DataLossError("a bad chunk")); });
  gate_.Open();
  EXPECT_EQ(room.back().Get(), absl::DataLossError("a bad chunk"));
  sender.join();
  EXPECT_EQ(FinishStream(sink_), absl::DataLossError("a bad chunk"));
}

TEST_P(Streams, OfManyThreadsShareTheWindow) {
  gate_.Open();
  std::vector<std::thread> senders;
  for (int t = 0; t < 4; ++t) {
    senders.emplace_back([this, t] {
      for (uint32_t i = 0; i < 300; ++i) {
        EXPECT_EQ(sink_.Write(Chunk(i, 1'000 + 20'000 * t)), absl::OkStatus());
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(FinishStream(sink_), absl::OkStatus());
  EXPECT_EQ(sink_.Done()->chunks, 1'200u);
}

// --- senders that are servants ------------------------------------------------------------------

class Pumper final : public sink::PumpServant {
 public:
  // To be taken once: what the first call came to.
  Future<void> Result() { return result_.future(); }

  absl::Status Pump(SinkProxy sink, uint32_t chunks, uint32_t size) override {
    absl::Status status = PumpInto(sink, chunks, size);
    result_.Set(status);
    return status;
  }

 private:
  Promise<void> result_;
};

TEST_P(Streams, GoBackToACallerThatWaits) {
  gate_.Open();
  PumpProxy pump = Reach<PumpProxy>(std::make_shared<Pumper>());
  SinkProxy own(std::make_shared<Sink>(gate_));
  EXPECT_EQ(pump.Pump(own, 1'000, 4'000), absl::OkStatus());
  EXPECT_EQ(own.Done().value(),
            (sink::SinkDoneResults{.chunks = 1'000, .bytes = 4'000'000, .in_order = true}));
}

TEST_P(Streams, OfACancelledServantEnd) {
  auto servant = std::make_shared<Pumper>();
  Future<void> result = servant->Result();
  PumpProxy pump = Reach<PumpProxy>(std::move(servant));
  Future<void> pumping = pump.async().Pump(sink_, 1'000, 8'000);
  gate_.AwaitArrivals(1);
  pumping.Cancel();
  EXPECT_EQ(result.Get().code(), absl::StatusCode::kCancelled);
  gate_.Open();
}

// --- when there is nobody -----------------------------------------------------------------------

TEST(StreamsOfConnections, FailWithTheConnection) {
  Gate gate;
  ConnectionCutter cutter;
  auto server = Serve(cutter.Listen(Endpoint::Parse("tcp://127.0.0.1:0").value()),
                      std::make_shared<Sink>(gate));
  ASSERT_TRUE(server.ok()) << server.status();
  auto sink = Connect<SinkProxy>(server->endpoint());
  std::thread sender(
      [&] { EXPECT_EQ(PumpInto(sink, 1'000, 8'000).code(), absl::StatusCode::kUnavailable); });
  gate.AwaitArrivals(1);
  cutter.CutAll();
  sender.join();
  EXPECT_EQ(FinishStream(sink).code(), absl::StatusCode::kUnavailable);
  gate.Open();
  EXPECT_EQ(PumpInto(sink, 1, 100), absl::OkStatus());  // on a connection of its own
}

TEST(StreamsOfConnections, OutliveTheProxy) {
  Gate gate;
  auto servant = std::make_shared<Sink>(gate);
  auto server = Serve("tcp://127.0.0.1:0", servant);
  ASSERT_TRUE(server.ok()) << server.status();
  auto other = Connect<SinkProxy>(server->endpoint());
  {
    auto sink = Connect<SinkProxy>(server->endpoint());
    for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(sink.Write(Chunk(i, 100)), absl::OkStatus());
    gate.AwaitArrivals(1);
  }
  gate.Open();
  while (other.Done()->chunks < 5) {
  }
}

TEST(StreamsOfNothing, AreFailedPrecondition) {
  EXPECT_EQ(SinkProxy().Write(Chunk(0, 100)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(SinkProxy().async().Write(Chunk(0, 100)).Get().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FinishStream(SinkProxy()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FinishStream(SinkProxy(std::make_shared<Sink>(Gate()))), absl::OkStatus());
}

}  // namespace
}  // namespace drover
