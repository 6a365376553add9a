// References that do not keep their objects alive.
#include "drover/object/weak_proxy.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/lease.h"
#include "drover/object/revocable.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/cuttable_listener.h"
#include "support/manual_timers.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using kitchen::ListenerProxy;
using ::testing::HasSubstr;
using namespace testing_support;  // NOLINT: the tests' own

// --- objects of this process --------------------------------------------------------------------

TEST(WeakProxies, GiveTheObjectAsLongAsAProxyIsThere) {
  ListenerProxy strong(std::make_shared<Parrot>());
  const WeakProxy<ListenerProxy> weak(strong);
  EXPECT_EQ(weak.Lock(), strong);
  EXPECT_EQ(weak.Lock().Heard("x").value(), "heard x");
  EXPECT_FALSE(weak.dead());
  Future<void> died = weak.Died();
  strong = {};
  EXPECT_EQ(died.Get(), absl::OkStatus());  // the call may have held it for a moment longer
  EXPECT_FALSE(weak.Lock());
  EXPECT_TRUE(weak.dead());
}

TEST(WeakProxies, GiveTheObjectAsLongAsTheProgramKeepsIt) {
  auto parrot = std::make_shared<Parrot>();
  const WeakProxy<ListenerProxy> weak{ListenerProxy(parrot)};
  EXPECT_EQ(weak.Lock(), ListenerProxy(parrot));
  Future<void> died = weak.Died();
  EXPECT_FALSE(died.ready());
  parrot = nullptr;
  EXPECT_EQ(died.Get(), absl::OkStatus());
  EXPECT_FALSE(weak.Lock());
}

TEST(WeakProxies, KeepNothing) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  const WeakProxy<ListenerProxy> weak{ListenerProxy(std::move(parrot))};
  EXPECT_TRUE(gone.ready());
  EXPECT_EQ(weak.Died().Get(), absl::OkStatus());
}

TEST(WeakProxies, LearnOfTheDeathAfterTheDestructor) {
  class Slow final : public kitchen::ListenerServant {
   public:
    Slow(std::atomic<bool>& destroyed, Gate gate) : destroyed_(destroyed), gate_(std::move(gate)) {}
    ~Slow() override {
      gate_.Pass().IgnoreError();  // nobody cancels it
      destroyed_ = true;
    }

   private:
    std::atomic<bool>& destroyed_;
    Gate gate_;
  };
  std::atomic<bool> destroyed{false};
  Gate gate;
  ListenerProxy strong(std::make_shared<Slow>(destroyed, gate));
  const WeakProxy<ListenerProxy> weak(strong);
  Future<void> died = weak.Died();
  std::thread dropper([&] { strong = {}; });
  gate.AwaitArrivals(1);
  EXPECT_FALSE(weak.Lock());  // it is dying
  EXPECT_FALSE(died.ready());
  gate.Open();
  EXPECT_EQ(died.Get(), absl::OkStatus());
  EXPECT_TRUE(destroyed);
  dropper.join();
}

TEST(WeakProxies, TellEverybodyWhoAsks) {
  ListenerProxy strong(std::make_shared<Parrot>());
  const WeakProxy<ListenerProxy> weak(strong);
  const WeakProxy<ListenerProxy> copy = weak;
  Future<void> first = weak.Died();
  Future<void> second = copy.Died();
  Future<void> third = WeakProxy<ListenerProxy>(strong).Died();
  { auto dropped = weak.Died(); }
  Future<void> cancelled = weak.Died();
  cancelled.Cancel();
  EXPECT_EQ(cancelled.Get().code(), absl::StatusCode::kCancelled);
  strong = {};
  EXPECT_EQ(first.Get(), absl::OkStatus());
  EXPECT_EQ(second.Get(), absl::OkStatus());
  EXPECT_EQ(third.Get(), absl::OkStatus());
  EXPECT_EQ(weak.Died().Get(), absl::OkStatus());  // afterwards, too
}

TEST(WeakProxies, CallAContinuationOnce) {
  ListenerProxy strong(std::make_shared<Parrot>());
  std::atomic<int> calls{0};
  Future<void> told = WeakProxy<ListenerProxy>(strong).Died().Then([&](absl::Status why) {
    ++calls;
    return why;
  });
  strong = {};
  EXPECT_EQ(told.Get(), absl::OkStatus());
  EXPECT_EQ(calls, 1);
}

TEST(WeakProxies, KeepTheOptionsOfTheirProxy) {
  const CookProxy cook = CookProxy(std::make_shared<Cook>()).With({.traceparent = "malformed"});
  EXPECT_EQ(WeakProxy<CookProxy>(cook).Lock().Add(1, 1).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(WeakProxies, OfNoObjectAreDead) {
  for (const auto& weak : {WeakProxy<CookProxy>(), WeakProxy<CookProxy>(CookProxy())}) {
    EXPECT_TRUE(weak.dead());
    EXPECT_FALSE(weak.Lock());
    EXPECT_EQ(weak.Died().Get().code(), absl::StatusCode::kFailedPrecondition);
  }
}

TEST(WeakProxies, AreLockedWhileTheObjectGoes) {
  for (int round = 0; round < 200; ++round) {
    ListenerProxy strong(std::make_shared<Parrot>());
    const WeakProxy<ListenerProxy> weak(strong);
    Future<void> died = weak.Died();
    std::thread locker([&] {
      while (ListenerProxy locked = weak.Lock()) {
        EXPECT_EQ(locked.Heard("x").value(), "heard x");
      }
    });
    strong = {};
    EXPECT_EQ(died.Get(), absl::OkStatus());
    locker.join();
  }
}

// --- references that end ------------------------------------------------------------------------

TEST(WeakProxies, OfARevocableDieWhenItIsRevoked) {
  const CookProxy object(std::make_shared<Cook>());
  Revocable<CookProxy> revocable(object);
  const CookProxy given = revocable.proxy();
  const WeakProxy<CookProxy> weak(given);
  EXPECT_EQ(weak.Lock(), given);
  Future<void> died = weak.Died();
  revocable.Revoke();
  const absl::Status revoked = absl::PermissionDeniedError("the reference was revoked");
  EXPECT_EQ(died.Get(), revoked);
  EXPECT_FALSE(weak.Lock());
  EXPECT_EQ(WeakProxy<CookProxy>(given).Died().Get(), revoked);
}

TEST(WeakProxies, OfARevocableDieWithItsLastReference) {
  const CookProxy object(std::make_shared<Cook>());
  Revocable<CookProxy> revocable(object);
  const WeakProxy<CookProxy> weak(revocable.proxy());
  revocable.Detach();
  EXPECT_EQ(weak.Died().Get(), absl::OkStatus());
}

TEST(WeakProxies, OfALeaseDieWhenItEnds) {
  const auto time = std::make_shared<ManualTimers>();
  const Lease<CookProxy> lease{CookProxy(std::make_shared<Cook>()),
                               {.duration = absl::Minutes(5), .timers = time}};
  const WeakProxy<CookProxy> weak(lease.proxy());
  Future<void> died = weak.Died();
  EXPECT_EQ(weak.Lock(), lease.proxy());
  time->Advance(absl::Minutes(5));
  EXPECT_EQ(died.Get(), absl::NotFoundError("the lease ended: not used for 5m"));
  EXPECT_TRUE(weak.dead());
}

// --- objects that are not known yet -------------------------------------------------------------

TEST(WeakProxies, OfAPromiseAreWhatItTurnsOutToBe) {
  Promise<ListenerProxy> promise;
  Future<ListenerProxy> future = promise.future();
  ListenerProxy pipelined(future.Pipeline());
  const WeakProxy<ListenerProxy> weak(pipelined);
  Future<void> died = weak.Died();
  EXPECT_EQ(weak.Lock(), pipelined);
  ListenerProxy strong(std::make_shared<Parrot>());
  promise.Set(strong);
  future.Get().IgnoreError();  // it is kept
  pipelined = {};
  EXPECT_EQ(weak.Lock(), strong);
  EXPECT_FALSE(died.ready());
  strong = {};
  EXPECT_EQ(died.Get(), absl::OkStatus());
  EXPECT_FALSE(weak.Lock());
}

TEST(WeakProxies, OfAPromiseDieOfItsError) {
  Promise<ListenerProxy> promise;
  Future<ListenerProxy> future = promise.future();
  const ListenerProxy pipelined(future.Pipeline());
  const WeakProxy<ListenerProxy> weak(pipelined);
  Future<void> died = weak.Died();
  promise.Set(absl::DataLossError("no listener"));
  EXPECT_EQ(died.Get(), absl::DataLossError("no listener"));
  EXPECT_TRUE(weak.dead());
}

TEST(WeakProxies, OfAPromiseThatIsGivenUpAreDead) {
  Promise<ListenerProxy> promise;
  Future<ListenerProxy> future = promise.future();
  ListenerProxy pipelined(future.Pipeline());
  const WeakProxy<ListenerProxy> weak(pipelined);
  pipelined = {};
  EXPECT_EQ(weak.Died().Get().code(), absl::StatusCode::kFailedPrecondition);
}

// --- objects of a peer --------------------------------------------------------------------------

class RemoteWeakProxies : public testing::Test {
 protected:
  RemoteWeakProxies() {
    server_ = Serve(cutter_.Listen(Endpoint::Parse("tcp://127.0.0.1:0").value()), servant_).value();
    cook_ = Connect<CookProxy>(server_->endpoint());
  }
  ~RemoteWeakProxies() override { servant_->gate.Open(); }

  ConnectionCutter cutter_;
  const std::shared_ptr<Cook> servant_ = std::make_shared<Cook>();
  std::optional<Server> server_;
  CookProxy cook_;
};

TEST_F(RemoteWeakProxies, OfOwnObjectsLastAsLongAsAPeerHasThem) {
  auto parrot = std::make_shared<Parrot>();
  const WeakProxy<ListenerProxy> weak{ListenerProxy(parrot)};
  EXPECT_EQ(cook_.Keep(std::move(parrot)), absl::OkStatus());
  Future<void> died = weak.Died();
  EXPECT_EQ(weak.Lock().Heard("x").value(), "heard x");
  EXPECT_FALSE(died.ready());
  EXPECT_EQ(cook_.Keep(ListenerProxy()), absl::OkStatus());
  EXPECT_EQ(died.Get(), absl::OkStatus());
  EXPECT_FALSE(weak.Lock());
}

TEST_F(RemoteWeakProxies, OfOwnObjectsDieWithThePeersConnection) {
  auto parrot = std::make_shared<Parrot>();
  const WeakProxy<ListenerProxy> weak{ListenerProxy(parrot)};
  EXPECT_EQ(cook_.Keep(std::move(parrot)), absl::OkStatus());
  cutter_.CutAll();
  EXPECT_EQ(weak.Died().Get(), absl::OkStatus());
}

TEST_F(RemoteWeakProxies, DoNotKeepTheObjectAtItsHost) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  servant_->Keep(ListenerProxy(std::move(parrot))).IgnoreError();  // it cannot fail
  ListenerProxy there = cook_.Kept().value();
  const WeakProxy<ListenerProxy> weak(there);
  EXPECT_EQ(weak.Lock(), there);
  EXPECT_EQ(cook_.Keep(ListenerProxy()), absl::OkStatus());
  EXPECT_EQ(weak.Lock().Heard("x").value(), "heard x");
  Future<void> died = weak.Died();
  EXPECT_FALSE(gone.ready());
  there = {};
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  EXPECT_EQ(died.Get().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(weak.Lock());
}

TEST_F(RemoteWeakProxies, DieWithTheConnection) {
  const CookProxy made = cook_.MakeCook().value();
  const WeakProxy<CookProxy> weak(made);
  Future<void> died = weak.Died();
  EXPECT_EQ(weak.Lock().Add(1, 1).value(), 2u);
  EXPECT_FALSE(died.ready());
  cutter_.CutAll();
  const absl::Status why = died.Get();
  EXPECT_EQ(why.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(why.message()), HasSubstr(server_->endpoint().ToString()));
  EXPECT_FALSE(weak.Lock());
  EXPECT_TRUE(weak.dead());
  // One that is made afterwards knows at once.
  EXPECT_EQ(WeakProxy<CookProxy>(made).Died().Get(), why);
}

TEST_F(RemoteWeakProxies, OfAnswersToComeDieWithTheConnection) {
  auto later = cook_.async().Later();
  const ListenerProxy pipelined(later.Pipeline());
  const WeakProxy<ListenerProxy> weak(pipelined);
  Future<void> died = weak.Died();
  servant_->gate.AwaitArrivals(1);
  EXPECT_EQ(weak.Lock(), pipelined);
  cutter_.CutAll();
  EXPECT_EQ(died.Get().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(weak.Lock());
}

TEST_F(RemoteWeakProxies, OfAnswersToComeAreWhatTheyTurnOutToBe) {
  auto later = cook_.async().Later();
  ListenerProxy pipelined(later.Pipeline());
  const WeakProxy<ListenerProxy> weak(pipelined);
  Future<void> died = weak.Died();
  servant_->gate.Open();
  const ListenerProxy there = later.Get().value();
  EXPECT_EQ(weak.Lock().Heard("x").value(), "heard x");
  EXPECT_FALSE(died.ready());
  cutter_.CutAll();
  EXPECT_EQ(died.Get().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RemoteWeakProxies, OfDurableProxiesOutliveTheConnection) {
  const WeakProxy<CookProxy> weak(cook_);
  Future<void> died = weak.Died();
  EXPECT_EQ(weak.Lock().Add(1, 1).value(), 2u);
  cutter_.CutAll();
  while (!weak.Lock().Add(1, 1).ok()) std::this_thread::yield();
  EXPECT_FALSE(died.ready());
  cook_ = {};
  EXPECT_EQ(died.Get().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(weak.Lock());
  while (server_->connections() > 0) std::this_thread::yield();  // it kept none
}

TEST_F(RemoteWeakProxies, OfAPeersRevocableLearnNothingOfItsEnd) {
  Revocable<ListenerProxy> revocable{ListenerProxy(std::make_shared<Parrot>())};
  servant_->Keep(revocable.proxy()).IgnoreError();  // it cannot fail
  const ListenerProxy there = cook_.Kept().value();
  const WeakProxy<ListenerProxy> weak(there);
  Future<void> died = weak.Died();
  revocable.Revoke();
  EXPECT_EQ(there.Heard("x").status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_FALSE(died.ready());
  EXPECT_FALSE(weak.dead());
}

}  // namespace
}  // namespace drover
