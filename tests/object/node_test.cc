// What a server answers for itself.
#include "drover/object/node.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kitchen.drover.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::Cook;
using testing_support::Parrot;
using testing_support::TempDir;

class Nodes : public testing::Test {
 protected:
  ~Nodes() override { cook_->gate.Open(); }

  void Start(const std::string& endpoint, const ServerOptions& options = {}) {
    server_.emplace(Serve(endpoint, cook_, options).value());
    proxy_ = Connect<kitchen::CookProxy>(server_->endpoint());
    node_ = Connect<NodeProxy>(server_->endpoint());
  }
  void StartOnUnix() { Start("unix://" + dir_.path("cook")); }
  static const MethodStats* Find(const ServerStats& stats, const std::string& name) {
    for (const MethodStats& method : stats.methods) {
      if (method.name == name) return &method;
    }
    return nullptr;
  }

  TempDir dir_;
  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
  std::optional<Server> server_;
  kitchen::CookProxy proxy_;
  NodeProxy node_;
};

TEST_F(Nodes, AnswerPings) {
  StartOnUnix();
  EXPECT_EQ(node_.Ping(), absl::OkStatus());
  EXPECT_EQ(node_.async().Ping().Get(), absl::OkStatus());
}

TEST_F(Nodes, ListWhatIsExported) {
  StartOnUnix();
  EXPECT_THAT(*node_.List(), IsEmpty());
  ASSERT_EQ(server_->Export("b", std::make_shared<Parrot>()), absl::OkStatus());
  ASSERT_EQ(server_->Export("a", std::make_shared<Parrot>()), absl::OkStatus());
  EXPECT_THAT(*node_.List(), ElementsAre("a", "b"));
  EXPECT_THAT(*node_.async().List().Get(), ElementsAre("a", "b"));
}

// --- statistics ---------------------------------------------------------------------------------

TEST_F(Nodes, CountCallsAndErrorsByMethod) {
  StartOnUnix();
  EXPECT_THAT(node_.Stats()->methods, IsEmpty());  // their own calls are not counted
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*proxy_.Add(1, 2), 3u);
  EXPECT_EQ(proxy_.Fail(static_cast<uint16_t>(absl::StatusCode::kDataLoss), "x").code(),
            absl::StatusCode::kDataLoss);
  const ServerStats stats = node_.Stats().value();
  ASSERT_EQ(stats.methods.size(), 2u);
  EXPECT_EQ(stats.methods[0].name, "Cook.add");
  EXPECT_EQ(stats.methods[0].calls, 3u);
  EXPECT_EQ(stats.methods[0].errors, 0u);
  EXPECT_EQ(stats.methods[1].name, "Cook.fail");
  EXPECT_EQ(stats.methods[1].calls, 1u);
  EXPECT_EQ(stats.methods[1].errors, 1u);
  EXPECT_EQ(server_->Stats().methods, stats.methods);
}

TEST_F(Nodes, CountCallsByTheirDuration) {
  StartOnUnix();
  EXPECT_EQ(proxy_.Sleep(40), absl::OkStatus());
  const ServerStats stats = node_.Stats().value();
  const MethodStats* sleep = Find(stats, "Cook.sleep");
  ASSERT_NE(sleep, nullptr);
  // 40 ms is not less than 2^15 microseconds.
  ASSERT_GT(sleep->latency.size(), 16u);
  EXPECT_EQ(sleep->latency.back(), 1u);
  EXPECT_GT(sleep->LatencyQuantile(0.5), absl::Milliseconds(40));
}

TEST_F(Nodes, CountWhatNoObjectHasAsOne) {
  StartOnUnix();
  const auto wrong = Connect<kitchen::ListenerProxy>(server_->endpoint());
  EXPECT_EQ(wrong.Heard("x").status().code(), absl::StatusCode::kUnimplemented);
  const ServerStats stats = node_.Stats().value();
  ASSERT_EQ(stats.methods.size(), 1u);
  EXPECT_EQ(stats.methods[0].name, "(unimplemented)");
  EXPECT_EQ(stats.methods[0].errors, 1u);
}

TEST_F(Nodes, ShowTheTablesAndBytesOfEachConnection) {
  StartOnUnix();
  EXPECT_EQ(proxy_.Keep(std::make_shared<Parrot>()), absl::OkStatus());
  const auto made = proxy_.MakeCook().value();
  const ServerStats stats = node_.Stats().value();
  ASSERT_EQ(stats.connections.size(), 2u);  // the proxy's and the node's
  const bool first = stats.connections[0].imports > 0;
  const ConnectionStats& proxys = stats.connections[first ? 0 : 1];
  EXPECT_EQ(proxys.imports, 1u);  // the parrot
  EXPECT_EQ(proxys.exports, 2u);  // the front object, and the new cook
  EXPECT_EQ(proxys.questions, 0u);
  EXPECT_GT(proxys.bytes_in, 0u);
  EXPECT_GT(proxys.bytes_out, 0u);
  EXPECT_THAT(proxys.peer, HasSubstr("the client with pid "));
  EXPECT_GE(stats.connections[first ? 1 : 0].answers, 1u);  // to the question for these numbers
}

// The buckets' upper ends: 1, 2, 4, ... microseconds.
TEST(MethodStatistics, QuantilesAreUpperBounds) {
  const MethodStats stats{.name = "", .calls = 10, .errors = 0, .latency = {1, 0, 8, 1}};
  EXPECT_EQ(stats.LatencyQuantile(0), absl::Microseconds(1));
  EXPECT_EQ(stats.LatencyQuantile(0.1), absl::Microseconds(1));
  EXPECT_EQ(stats.LatencyQuantile(0.5), absl::Microseconds(4));
  EXPECT_EQ(stats.LatencyQuantile(0.9), absl::Microseconds(4));
  EXPECT_EQ(stats.LatencyQuantile(1), absl::Microseconds(8));
  EXPECT_EQ(MethodStats().LatencyQuantile(0.5), absl::ZeroDuration());
}

// --- draining -----------------------------------------------------------------------------------

TEST_F(Nodes, DrainLetsRunningCallsEndAndStopsTheServer) {
  StartOnUnix();
  auto running = proxy_.async().Wait();
  cook_->gate.AwaitArrivals(1);
  EXPECT_EQ(node_.Drain(), absl::OkStatus());
  cook_->gate.Open();
  EXPECT_EQ(running.Get(), absl::OkStatus());
  server_->Wait();
  EXPECT_EQ(proxy_.Note(1).code(), absl::StatusCode::kUnavailable);
}

// --- who may ------------------------------------------------------------------------------------

TEST_F(Nodes, OverTcpAnswerPingsAndNothingElse) {
  Start("tcp://127.0.0.1:0");
  EXPECT_EQ(node_.Ping(), absl::OkStatus());
  EXPECT_EQ(node_.List().status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(node_.Stats().status().code(), absl::StatusCode::kPermissionDenied);
  const absl::Status refused = node_.Drain();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("allow_remote_control"));
  EXPECT_EQ(*proxy_.Add(1, 2), 3u);
}

TEST_F(Nodes, OverTcpObeyIfTheServerAllowsIt) {
  Start("tcp://127.0.0.1:0", {.allow_remote_control = true});
  EXPECT_THAT(*node_.List(), IsEmpty());
  EXPECT_THAT(node_.Stats()->connections, testing::SizeIs(1));
  EXPECT_EQ(node_.Drain(), absl::OkStatus());
  server_->Wait();
}

}  // namespace
}  // namespace drover
