// Limits::max_call_bytes: how much of a peer's calls is kept at a time. A call beyond fails, the
// others and an honest client of the same server go on (the fixture sees to that).
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drover/base/sanitizer.h"
#include "drover/object/revocable.h"
#include "rpc/hostile_fixture.h"

namespace drover::rpc {
namespace {

constexpr size_t kLimit = 10'000;
constexpr size_t kMoreThanHalf = 6'000;

// Calls `method` of export `target` with more params than it looks at, unless it is Echo.
void SendLarge(ScriptedPeer& peer, uint32_t question, CookMethod method, uint32_t target,
               size_t bytes) {
  peer.Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, question, method);
    call.initTarget().setImportedCap(target);
    call.initParams().getContent().initAs<Wire::EchoParams>().initData(bytes);
  });
}

size_t ResidentBytes() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;  // the second number
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

class BytesOfCalls : public HostilePeer {
 protected:
  void SendLarge(uint32_t question, CookMethod method, size_t bytes = kMoreThanHalf) {
    rpc::SendLarge(*peer_, question, method, Front(), bytes);
  }
  void ExpectResults(uint32_t question) {
    EXPECT_TRUE(peer_->ExpectReturn(question)->root().getReturn().isResults());
  }
};

TEST_F(BytesOfCalls, BeyondTheLimitAreRefusedAndDoNotRun) {
  ServeWith(With({.max_call_bytes = kLimit}));
  SendLarge(1, kWait);
  cook_->gate.AwaitArrivals(1);
  SendLarge(2, kWait);
  ExpectRefused(2, "limits.max_call_bytes");
  SendAdd(3, 1, 1);  // for which there is room
  ExpectSum(3, 2);
  EXPECT_EQ(honest_.Echo(std::vector<uint8_t>(kMoreThanHalf)).value().size(), kMoreThanHalf);
  EXPECT_EQ(cook_->gate.arrivals(), 1);
  cook_->gate.Open();
  ExpectResults(1);
}

TEST_F(BytesOfCalls, AreFreeAgainWithTheAnswer) {
  ServeWith(With({.max_call_bytes = kLimit}));
  for (uint32_t i = 0; i < 10; ++i) {  // none of them is finished
    SendLarge(i, kEcho);
    ExpectResults(i);
  }
}

TEST_F(BytesOfCalls, MayBeMoreInOneCallThatIsAlone) {
  ServeWith(With({.max_call_bytes = 1}));
  SendLarge(1, kEcho, kMaxFrame / 2);
  ExpectResults(1);
  SendLarge(2, kWait);
  cook_->gate.AwaitArrivals(1);
  SendAdd(3, 1, 1);
  ExpectRefused(3, "limits.max_call_bytes");
  cook_->gate.Open();
  ExpectResults(2);
}

// A call that waits keeps the memory that it arrived in: not what arrived there beside it.
TEST_F(BytesOfCalls, ThatWaitDoNotKeepWhatCameBetweenThem) {
#ifdef DROVER_SANITIZED
  GTEST_SKIP() << "the sanitizers keep memory of their own for what is used";
#endif
  constexpr uint32_t kCalls = 4'000;
  constexpr size_t kBetween = 60'000;
  SendPlain(0, kLater);
  const size_t before = ResidentBytes();
  for (uint32_t i = 1; i <= kCalls; ++i) {
    SendHeard(2 * i, 0, {0}, "it");
    SendLarge(2 * i + 1, kRunning, kBetween);
    ExpectResults(2 * i + 1);
  }
  EXPECT_LT(ResidentBytes() - before, kCalls * kBetween / 2);
  cook_->gate.Open();
  ExpectResults(0);
}

TEST_F(BytesOfCalls, ThatWaitForAnAnswerCount) {
  ServeWith(With({.max_call_bytes = kLimit}));
  const std::string text(kMoreThanHalf, 'x');
  SendPlain(1, kLater);
  SendHeard(2, 1, {0}, text);
  SendHeard(3, 1, {0}, text);
  ExpectRefused(3, "limits.max_call_bytes");
  cook_->gate.Open();
  ExpectResults(1);
  ExpectReply(2, "heard " + text);
}

TEST_F(BytesOfCalls, ThatWaitForABusyServantCount) {
  ServeWith(With({.max_call_bytes = kLimit}));
  SendPlain(1, kLater);
  cook_->gate.AwaitArrivals(1);
  SendLarge(2, kEcho);
  SendLarge(3, kEcho);
  ExpectRefused(3, "limits.max_call_bytes");
  cook_->gate.Open();
  ExpectResults(1);
  ExpectResults(2);
}

TEST_F(BytesOfCalls, AreShownInTheStatistics) {
  const auto counted = [&] {
    size_t bytes = 0;
    for (const ConnectionStats& c : server_->Stats().connections) bytes += c.call_bytes;
    return bytes;
  };
  SendLarge(1, kWait);
  cook_->gate.AwaitArrivals(1);
  EXPECT_GT(counted(), kMoreThanHalf);
  EXPECT_LT(counted(), kLimit);
  cook_->gate.Open();
  ExpectResults(1);
  EXPECT_EQ(counted(), 0u);
}

// Its Wait does not end when it is cancelled; its MakeCook gives a reference to itself that can be
// taken back.
class StubbornCook : public Cook {
 public:
  absl::StatusOr<kitchen::CookProxy> MakeCook() override {
    inner_ = std::make_shared<StubbornCook>();
    revocable_.emplace(inner_);
    return revocable_->proxy();
  }
  absl::Status Wait() override {
    base::MutexLock lock(&mu_);
    waiting_ = true;
    changed_.SignalAll();
    while (waiting_) changed_.Wait(&mu_);
    return absl::OkStatus();
  }

  StubbornCook& inner() { return *inner_; }
  void Revoke() { revocable_->Revoke(); }
  void AwaitWait() {
    base::MutexLock lock(&mu_);
    while (!waiting_) changed_.Wait(&mu_);
  }
  void EndWait() {
    base::MutexLock lock(&mu_);
    waiting_ = false;
    changed_.SignalAll();
  }

 private:
  std::shared_ptr<StubbornCook> inner_;
  std::optional<Revocable<kitchen::CookProxy>> revocable_;
  base::Mutex mu_;
  base::CondVar changed_;
  bool waiting_ ABSL_GUARDED_BY(mu_) = false;
};

class BytesOfRevokedCalls : public ServerTest {
 protected:
  BytesOfRevokedCalls()
      : ServerTest(std::make_shared<StubbornCook>(), {.max_call_bytes = kLimit}) {}

  StubbornCook& cook() { return static_cast<StubbornCook&>(*cook_); }
};

TEST_F(BytesOfRevokedCalls, CountUntilTheServantLetsGoOfThem) {
  SendPlain(1, kMakeCook);
  const uint32_t given = ExpectHosted(1);
  SendLarge(*peer_, 2, kWait, given, kMoreThanHalf);
  cook().inner().AwaitWait();
  cook().Revoke();
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kPermissionDenied);
  SendLarge(*peer_, 3, kEcho, Front(), kMoreThanHalf);
  const absl::Status refused = ExpectError(3);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("limits.max_call_bytes"));
  cook().inner().EndWait();
  for (uint32_t question = 4;; ++question) {  // until the servant's thread has got so far
    SendLarge(*peer_, question, kEcho, Front(), kMoreThanHalf);
    if (peer_->ExpectReturn(question)->root().getReturn().isResults()) break;
  }
}

}  // namespace
}  // namespace drover::rpc
