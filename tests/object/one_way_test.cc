// One-way calls and batches, as programs use them.
#include "drover/object/one_way.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/base/status_macros.h"
#include "drover/object/call_context.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/rpc/batch.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/remote_capability.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using testing_support::Cook;
using testing_support::Gate;

std::vector<uint32_t> Numbers(uint32_t count) {
  std::vector<uint32_t> numbers;
  for (uint32_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

// Its methods wait at the gate.
class SlowCook : public Cook {
 public:
  explicit SlowCook(Gate gate) : Cook(std::move(gate)) {}

  absl::Status Note(uint32_t entry) override {
    DROVER_RETURN_IF_ERROR(gate.Pass());
    metadata = CallContext::Current().Metadata("tenant");
    return Cook::Note(entry);
  }

  std::string metadata;
};

class OneWayProxies : public testing::TestWithParam<std::string> {
 protected:
  OneWayProxies() {
    if (GetParam() == "here") {
      proxy_ = CookProxy(cook_);
      return;
    }
    ServerOptions options;
    options.limits.max_one_way_bytes = 64 * 512;
    std::string endpoint = "tcp://127.0.0.1:0";
    if (GetParam() == "unix") endpoint = "unix://" + dir_.path("cook");
    if (GetParam() == "inproc") endpoint = "inproc://one_way_cook";
    server_ = Serve(endpoint, cook_, options).value();
    proxy_ = Connect<CookProxy>(server_->endpoint());
    EXPECT_EQ(proxy_.Add(1, 2).value(), 3u);  // both know each other to be Drover
  }

  testing_support::TempDir dir_;
  Gate gate_;
  const std::shared_ptr<SlowCook> cook_ = std::make_shared<SlowCook>(gate_);
  std::optional<Server> server_;
  CookProxy proxy_;
};

INSTANTIATE_TEST_SUITE_P(Over, OneWayProxies, testing::Values("here", "inproc", "unix", "tcp"),
                         [](const auto& info) { return info.param; });

TEST_P(OneWayProxies, RunInOrderAndBeforeTheCallsMadeAfterThem) {
  gate_.Open();
  const auto numbers = Numbers(5'000);
  for (uint32_t i : numbers) ASSERT_EQ(proxy_.one_way().Note(i), absl::OkStatus());
  EXPECT_EQ(proxy_.Notes().value(), numbers);
}

TEST_P(OneWayProxies, RunInOrderInABatch) {
  gate_.Open();
  const auto numbers = Numbers(5'000);
  {
    Batch batch;
    for (uint32_t i : numbers) ASSERT_EQ(proxy_.one_way().Note(i), absl::OkStatus());
  }
  EXPECT_EQ(proxy_.Notes().value(), numbers);
}

TEST_P(OneWayProxies, DoNotWaitForTheirServant) {
  for (uint32_t i = 0; i < 10; ++i) EXPECT_EQ(proxy_.one_way().Note(i), absl::OkStatus());
  gate_.AwaitArrivals(1);
  gate_.Open();
  EXPECT_EQ(Sync(proxy_), absl::OkStatus());
  EXPECT_EQ(proxy_.Notes().value(), Numbers(10));
}

TEST_P(OneWayProxies, HoldTheirSenderBackWhereTheServantIsSlow) {
  constexpr uint32_t kCalls = 4'000;  // more than either way of limiting them lets through
  std::atomic<uint32_t> sent = 0;
  std::thread sender([&] {
    for (uint32_t i = 0; i < kCalls; ++i) {
      ASSERT_EQ(proxy_.one_way().Note(i), absl::OkStatus());
      ++sent;
    }
  });
  gate_.AwaitArrivals(1);
  // It comes to where it waits, and no further: two ways to see that it does not get to the end.
  for (uint32_t before = 0; before != sent || before == 0;) {
    before = sent;
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  }
  EXPECT_LE(sent, 2048u);
  gate_.Open();
  sender.join();
  EXPECT_EQ(proxy_.Notes().value(), Numbers(kCalls));
}

TEST_P(OneWayProxies, ThatWaitEndWithTheirDeadline) {
  const CookProxy::OneWay hasty = proxy_.one_way().With({.timeout = absl::Milliseconds(50)});
  absl::Status status;
  for (int i = 0; i < 4'000 && status.ok(); ++i) status = hasty.Note(0);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  gate_.Open();
}

TEST_P(OneWayProxies, ThatFailTellTheirCallerNothing) {
  EXPECT_EQ(proxy_.one_way().Fail(5, "no such spice"), absl::OkStatus());
  EXPECT_EQ(Sync(proxy_), absl::OkStatus());
  EXPECT_EQ(proxy_.Add(1, 2).value(), 3u);
}

TEST_P(OneWayProxies, TakeMetadataAlong) {
  gate_.Open();
  const CookProxy::OneWay tenant = proxy_.one_way().With({.metadata = {{"tenant", "acme"}}});
  EXPECT_EQ(tenant.Note(1), absl::OkStatus());
  EXPECT_EQ(Sync(proxy_), absl::OkStatus());
  EXPECT_EQ(cook_->metadata, "acme");
}

TEST_P(OneWayProxies, TakeObjectsAlong) {
  EXPECT_EQ(
      proxy_.one_way().Keep(kitchen::ListenerProxy(std::make_shared<testing_support::Parrot>())),
      absl::OkStatus());
  EXPECT_EQ(proxy_.Kept()->Heard("news").value(), "heard news");
}

TEST_P(OneWayProxies, OfAProxyToNothingAreFailedPrecondition) {
  EXPECT_EQ(CookProxy().one_way().Note(1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Sync(CookProxy()).code(), absl::StatusCode::kFailedPrecondition);
}

// --- a server at a UNIX socket ------------------------------------------------------------------

class OneWayServer : public testing::Test {
 protected:
  testing_support::TempDir dir_;
  Gate gate_;
  const std::shared_ptr<SlowCook> cook_ = std::make_shared<SlowCook>(gate_);
  Server server_ = Serve("unix://" + dir_.path("cook"), cook_).value();
  CookProxy proxy_ = Connect<CookProxy>(server_.endpoint());
};

TEST_F(OneWayServer, CountsCallsAndErrors) {
  ASSERT_TRUE(proxy_.Add(1, 2).ok());
  EXPECT_EQ(proxy_.one_way().Fail(5, "no such spice"), absl::OkStatus());
  EXPECT_EQ(Sync(proxy_), absl::OkStatus());
  for (const MethodStats& method : server_.Stats().methods) {
    if (method.name != "Cook.fail") continue;
    EXPECT_EQ(method.calls, 1u);
    EXPECT_EQ(method.errors, 1u);
    return;
  }
  FAIL() << "the call is not among the statistics";
}

TEST_F(OneWayServer, ShutsDownBehindWhatHasArrived) {
  ASSERT_TRUE(proxy_.Add(1, 2).ok());
  for (uint32_t i = 0; i < 100; ++i) ASSERT_EQ(proxy_.one_way().Note(i), absl::OkStatus());
  gate_.AwaitArrivals(1);
  EXPECT_EQ(proxy_.Running().value().count, 0u);  // concurrent: all have arrived
  std::thread opener([&] { gate_.Open(); });
  server_.Shutdown(absl::InfiniteDuration());
  opener.join();
  EXPECT_EQ(CookProxy(cook_).Notes().value(), Numbers(100));
}

TEST_F(OneWayServer, ShutsDownBehindTheCallsOfAClientThatHasGone) {
  ASSERT_TRUE(proxy_.Add(1, 2).ok());
  for (uint32_t i = 0; i < 100; ++i) ASSERT_EQ(proxy_.one_way().Note(i), absl::OkStatus());
  gate_.AwaitArrivals(1);
  EXPECT_EQ(proxy_.Running().value().count, 0u);  // concurrent: all have arrived
  proxy_ = CookProxy();
  std::thread opener([&] { gate_.Open(); });
  server_.Shutdown(absl::InfiniteDuration());
  opener.join();
  EXPECT_EQ(CookProxy(cook_).Notes().value(), Numbers(100));
}

TEST_F(OneWayServer, CancelsWhatDoesNotEndInItsGrace) {
  ASSERT_TRUE(proxy_.Add(1, 2).ok());
  ASSERT_EQ(proxy_.one_way().Note(1), absl::OkStatus());
  gate_.AwaitArrivals(1);
  server_.Shutdown(absl::ZeroDuration());
  gate_.AwaitCancellations(1);
}

TEST_F(OneWayServer, ThatIsGoneMakesTheCallUnavailable) {
  ASSERT_TRUE(proxy_.Add(1, 2).ok());
  server_.Shutdown(absl::ZeroDuration());
  absl::Status status;
  while (status.ok()) status = proxy_.one_way().Note(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

// Passes on what it gets, to another process's object as it were.
class Waiter : public Cook {
 public:
  explicit Waiter(CookProxy cook) : cook_(std::move(cook)) {}
  absl::Status Note(uint32_t entry) override { return cook_.one_way().Note(entry); }
  absl::StatusOr<CookProxy> MakeCook() override { return cook_; }

 private:
  const CookProxy cook_;
};

TEST_F(OneWayServer, IsReachedOverAnotherOne) {
  gate_.Open();
  ASSERT_TRUE(proxy_.Add(1, 2).ok());
  Server front = Serve("unix://" + dir_.path("waiter"), std::make_shared<Waiter>(proxy_)).value();
  const auto waiter = Connect<CookProxy>(front.endpoint());
  // By the servant's own calls, and by a proxy of the far object that was passed on.
  for (uint32_t i = 0; i < 100; ++i) ASSERT_EQ(waiter.one_way().Note(i), absl::OkStatus());
  ASSERT_EQ(Sync(waiter), absl::OkStatus());
  EXPECT_EQ(proxy_.Notes().value(), Numbers(100));
  const CookProxy far = waiter.MakeCook().value();
  ASSERT_EQ(far.one_way().Note(100), absl::OkStatus());
  EXPECT_EQ(Sync(far), absl::OkStatus());
  EXPECT_EQ(far.Notes().value(), Numbers(101));
}

// Two servants whose every call makes more calls to the other one than fit.
class Chatterer : public Cook {
 public:
  CookProxy other;
  absl::Status Note(uint32_t entry) override {
    if (entry == 0) return absl::OkStatus();
    for (int i = 0; i < 10; ++i) DROVER_RETURN_IF_ERROR(other.one_way().Note(entry - 1));
    return absl::OkStatus();
  }
};

TEST(OneWayServants, ThatSendToEachOtherDoNotStopEachOther) {
  const testing_support::TempDir dir;
  ServerOptions options;
  options.limits.max_one_way_bytes = 4 * 512;
  const auto a = std::make_shared<Chatterer>();
  const auto b = std::make_shared<Chatterer>();
  Server at_a = Serve("unix://" + dir.path("a"), a, options).value();
  Server at_b = Serve("unix://" + dir.path("b"), b, options).value();
  const auto to_a = Connect<CookProxy>(at_a.endpoint());
  const auto to_b = Connect<CookProxy>(at_b.endpoint());
  ASSERT_TRUE(to_a.Add(1, 2).ok());
  ASSERT_TRUE(to_b.Add(1, 2).ok());
  a->other = to_b;
  b->other = to_a;
  EXPECT_EQ(to_a.one_way().Note(1), absl::OkStatus());
  EXPECT_EQ(to_b.one_way().Note(1), absl::OkStatus());
  EXPECT_EQ(Sync(to_a), absl::OkStatus());
  EXPECT_EQ(Sync(to_b), absl::OkStatus());
  a->other = b->other = CookProxy();
}

// --- batches ------------------------------------------------------------------------------------

using Batches = OneWayServer;

TEST_F(Batches, KeepTheirCallsTogether) {
  const auto cook = proxy_.MakeCook().value();
  const auto at = rpc::PromiseCapability::Follow(cook.capability());
  rpc::Connection& connection = static_cast<rpc::RemoteCapability&>(*at).connection();
  const auto written = [&] {
    return connection.WithLock([](rpc::ConnectionState& s) { return s.written; });
  };
  constexpr int kMostTries = 100;
  constexpr uint64_t kLeastBytes = 10 * 100;
  uint64_t at_once = 0;
  // Whoever is writing just then, as with a tick, writes these too, a moment later.
  for (int i = 0; i < kMostTries && at_once <= kLeastBytes; ++i) {
    std::vector<Future<uint32_t>> sums;
    const uint64_t before = written();
    {
      Batch batch;
      for (uint32_t n = 0; n < 10; ++n) sums.push_back(cook.async().Add(n, 1));
      batch.Send();
      at_once = written() - before;
    }
    for (uint32_t n = 0; n < 10; ++n) EXPECT_EQ(sums[n].Get().value(), n + 1);
  }
  EXPECT_GT(at_once, kLeastBytes);
}

TEST_F(Batches, LetTheThreadThatMakesThemWaitForAnAnswer) {
  Batch batch;
  auto sum = proxy_.async().Add(1, 2);
  EXPECT_EQ(proxy_.Add(3, 4).value(), 7u);
  EXPECT_EQ(sum.Get().value(), 3u);
  Batch inner;
  auto other = proxy_.async().Add(5, 6);
  EXPECT_EQ(other.Get().value(), 11u);
}

TEST_F(Batches, LetOthersWaitForTheirCalls) {
  Batch batch;
  auto sum = proxy_.async().Add(1, 2);
  std::thread([&] { EXPECT_EQ(sum.Get().value(), 3u); }).join();
}

TEST_F(Batches, TakeCallsOfAnyConnection) {
  const auto other = Connect<CookProxy>(server_.endpoint());
  Future<uint32_t> sum;
  Future<uint32_t> sum_of_other;
  {
    Batch batch;
    sum = proxy_.async().Add(1, 2);
    sum_of_other = other.async().Add(3, 4);
  }
  EXPECT_EQ(sum.Get().value(), 3u);
  EXPECT_EQ(sum_of_other.Get().value(), 7u);
}

}  // namespace
}  // namespace drover
