// Connections that are lost: what becomes of calls, and of the proxies that made them.
#include <memory>
#include <string>
#include <utility>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/cuttable_listener.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::HasSubstr;
using namespace testing_support;  // NOLINT: the tests' own

class LostConnection : public testing::TestWithParam<const char*> {
 protected:
  LostConnection() {
    std::string endpoint = GetParam();
    if (endpoint == "unix") endpoint = "unix://" + dir_.path("cook");
    server_ = Serve(cutter_.Listen(*Endpoint::Parse(endpoint)), servant_).value();
    cook_ = Connect<kitchen::CookProxy>(server_->endpoint());
  }
  ~LostConnection() override { servant_->gate.Open(); }

  TempDir dir_;
  ConnectionCutter cutter_;
  const std::shared_ptr<Cook> servant_ = std::make_shared<Cook>();
  std::optional<Server> server_;
  kitchen::CookProxy cook_;
};

INSTANTIATE_TEST_SUITE_P(Over, LostConnection, testing::Values("unix", "tcp://127.0.0.1:0"),
                         [](const auto& info) { return std::string(info.param, 3); });

TEST_P(LostConnection, FailsWhatIsInFlightNamingTheEndpointAndTheMethod) {
  auto call = cook_.async().Wait();
  servant_->gate.AwaitArrivals(1);
  cutter_.CutAll();
  const absl::Status status = call.Get();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(server_->endpoint().ToString()));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Cook.wait"));
  servant_->gate.AwaitCancellations(1);
}

TEST_P(LostConnection, IsMadeAgainByTheNextCallWithoutSendingTheLostOneAgain) {
  auto call = cook_.async().Wait();
  servant_->gate.AwaitArrivals(1);
  cutter_.CutAll();
  EXPECT_EQ(call.Get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(cook_.Add(2, 3).value(), 5u);
  EXPECT_EQ(servant_->gate.arrivals(), 1);
}

TEST_P(LostConnection, EndsTheObjectsReachedThroughIt) {
  const kitchen::CookProxy made = cook_.MakeCook().value();
  EXPECT_EQ(made.Add(1, 1).value(), 2u);
  cutter_.CutAll();
  EXPECT_EQ(made.Add(1, 1).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(cook_.Add(1, 1).value(), 2u);  // the connection is another one now
  EXPECT_EQ(made.Add(1, 1).status().code(), absl::StatusCode::kUnavailable);
}

TEST_P(LostConnection, GivesTheClientsObjectsBack) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  EXPECT_EQ(cook_.Keep(std::move(parrot)), absl::OkStatus());
  cutter_.CutAll();
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  EXPECT_EQ(servant_->Kept()->Heard("x").status().code(), absl::StatusCode::kUnavailable);
}

TEST_P(LostConnection, CannotBeMadeAgainWhereNobodyServes) {
  EXPECT_EQ(cook_.Add(1, 1).value(), 2u);
  const std::string endpoint = server_->endpoint().ToString();
  server_.reset();
  const absl::Status status = cook_.Add(1, 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(endpoint));
  server_ = Serve(endpoint, servant_).value();
  EXPECT_EQ(cook_.Add(1, 1).value(), 2u);
}

TEST_P(LostConnection, EndsWithTheLastProxyThatUsesIt) {
  EXPECT_EQ(cook_.Add(1, 1).value(), 2u);
  EXPECT_EQ(server_->connections(), 1u);
  kitchen::CookProxy made = cook_.MakeCook().value();
  cook_ = kitchen::CookProxy();
  EXPECT_EQ(made.Add(1, 1).value(), 2u);
  made = kitchen::CookProxy();
  while (server_->connections() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace drover
