// Objects that are exported for a limited time.
#include "drover/object/lease.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/object/lease_term.h"
#include "drover/object/revocable.h"
#include "drover/object/weak_proxy.h"
#include "gmock/gmock.h"
#include "support/cuttable_listener.h"
#include "support/manual_timers.h"
#include "support/ways.h"

namespace drover {
namespace {

using ::testing::ElementsAre;
using namespace testing_support;  // NOLINT: the tests' own

constexpr absl::Duration kForever = absl::InfiniteDuration();

absl::Status RunOut() { return absl::NotFoundError("the lease ended: not used for 5m"); }

// --- how long -----------------------------------------------------------------------------------

TEST(LeaseTerm, LastsAsLongAsItSays) {
  const object::LeaseTerm term(absl::Seconds(10), absl::Seconds(100));
  EXPECT_EQ(term.Left(absl::Seconds(100)), absl::Seconds(10));
  EXPECT_EQ(term.Left(absl::Seconds(107)), absl::Seconds(3));
  EXPECT_EQ(term.Left(absl::Seconds(110)), absl::ZeroDuration());
  EXPECT_EQ(term.Left(absl::Seconds(200)), absl::ZeroDuration());
}

TEST(LeaseTerm, HasNoEndWhileACallRuns) {
  object::LeaseTerm term(absl::Seconds(10), absl::ZeroDuration());
  term.CallBegan(absl::Seconds(1));
  term.CallBegan(absl::Seconds(2));
  EXPECT_EQ(term.Left(absl::Seconds(1'000)), kForever);
  term.CallEnded(absl::Seconds(1'000));
  EXPECT_EQ(term.Left(absl::Seconds(2'000)), kForever);
  term.CallEnded(absl::Seconds(2'000));
  EXPECT_EQ(term.Left(absl::Seconds(2'000)), absl::Seconds(10));
}

TEST(LeaseTerm, IsNeverMadeShorter) {
  object::LeaseTerm term(absl::Seconds(10), absl::ZeroDuration());
  term.Extend(absl::Seconds(60), absl::ZeroDuration());
  term.Extend(absl::Seconds(5), absl::ZeroDuration());
  term.CallBegan(absl::Seconds(1));
  term.CallEnded(absl::Seconds(1));
  EXPECT_EQ(term.Left(absl::Seconds(1)), absl::Seconds(59));
  term.Extend(kForever, absl::Seconds(1));
  EXPECT_EQ(term.Left(absl::Seconds(1)), kForever);
}

// --- leases -------------------------------------------------------------------------------------

class Leases : public testing::TestWithParam<Way> {
 protected:
  // The answer may have come before the call has ended where it ran.
  void AwaitIdle() {
    while (lease_.Remaining() == kForever) std::this_thread::yield();
  }

  const std::shared_ptr<ManualTimers> time_ = std::make_shared<ManualTimers>();
  Ways ways_{GetParam()};
  Lease<kitchen::CookProxy> lease_{ways_.Object(), {.duration = absl::Minutes(5), .timers = time_}};
  const kitchen::CookProxy given_ = ways_.Give(lease_.proxy());
};
INSTANTIATE_TEST_SUITE_P(Called, Leases,
                         testing::Values(Way::kHere, Way::kFromPeer, Way::kPipelined, Way::kToPeer,
                                         Way::kFromPeerToPeer),
                         WayName);

TEST_P(Leases, RunOutWhenTheyAreNotUsed) {
  EXPECT_TRUE(lease_.alive());
  EXPECT_EQ(lease_.Remaining(), absl::Minutes(5));
  time_->Advance(absl::Minutes(5) - absl::Nanoseconds(1));
  EXPECT_TRUE(lease_.alive());
  EXPECT_EQ(lease_.Remaining(), absl::Nanoseconds(1));
  time_->Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(lease_.alive());
  EXPECT_EQ(lease_.Remaining(), absl::ZeroDuration());
  EXPECT_EQ(given_.Add(1, 1).status(), RunOut());
}

TEST_P(Leases, AreOverInTimeHoweverLateTheTimerIs) {
  time_->PassUnnoticed(absl::Minutes(5));
  EXPECT_FALSE(lease_.alive());
  EXPECT_EQ(given_.Add(1, 1).status(), RunOut());
  EXPECT_EQ(lease_.Extend(absl::Hours(1)), RunOut());
}

TEST_P(Leases, AreNotExtendedTooLate) {
  time_->PassUnnoticed(absl::Minutes(5));
  EXPECT_EQ(lease_.Extend(absl::Hours(1)), RunOut());
  EXPECT_EQ(given_.Add(1, 1).status(), RunOut());
}

TEST_P(Leases, AreRenewedByUse) {
  for (int i = 0; i < 10; ++i) {
    time_->Advance(absl::Minutes(4));
    EXPECT_EQ(given_.Add(1, 1).value(), 2u);
    AwaitIdle();
    EXPECT_EQ(lease_.Remaining(), absl::Minutes(5));
  }
  time_->Advance(absl::Minutes(5));
  EXPECT_EQ(given_.Add(1, 1).status(), RunOut());
}

TEST_P(Leases, DoNotRunOutWhileACallRuns) {
  auto call = given_.async().Wait();
  ways_.servant->gate.AwaitArrivals(1);
  time_->Advance(absl::Hours(24));
  EXPECT_TRUE(lease_.alive());
  EXPECT_EQ(lease_.Remaining(), kForever);
  ways_.servant->gate.Open();
  EXPECT_EQ(call.Get(), absl::OkStatus());
  AwaitIdle();
  EXPECT_EQ(lease_.Remaining(), absl::Minutes(5));  // from its answer on
  time_->Advance(absl::Minutes(5));
  EXPECT_EQ(given_.Add(1, 1).status(), RunOut());
}

TEST_P(Leases, DoNotRunOutWhileACallWaitsForItsTurn) {
  const kitchen::CookProxy object(ways_.servant);
  auto running = object.async().Later();  // not through the lease
  ways_.servant->gate.AwaitArrivals(1);
  auto waiting = given_.async().Note(7);
  while (lease_.Remaining() != kForever) std::this_thread::yield();
  time_->Advance(absl::Hours(24));
  ways_.servant->gate.Open();
  EXPECT_EQ(waiting.Get(), absl::OkStatus());
  EXPECT_TRUE(lease_.alive());
}

TEST_P(Leases, GoOnAfterCallsThatFailOrAreDropped) {
  {
    auto dropped = given_.async().Wait();
    ways_.servant->gate.AwaitArrivals(1);
  }
  ways_.servant->gate.AwaitCancellations(1);
  EXPECT_EQ(given_.Fail(15, "why").code(), absl::StatusCode::kDataLoss);
  AwaitIdle();
  EXPECT_EQ(lease_.Remaining(), absl::Minutes(5));
  time_->Advance(absl::Minutes(5));
  EXPECT_FALSE(lease_.alive());
}

TEST_P(Leases, CanBeExtended) {
  EXPECT_EQ(lease_.Extend(absl::Hours(1)), absl::OkStatus());
  EXPECT_EQ(lease_.Extend(absl::Minutes(1)), absl::OkStatus());
  EXPECT_EQ(lease_.Remaining(), absl::Hours(1));
  time_->Advance(absl::Minutes(59));
  EXPECT_EQ(given_.Add(1, 1).value(), 2u);
  AwaitIdle();
  time_->Advance(absl::Minutes(5));
  EXPECT_EQ(given_.Add(1, 1).status(), RunOut());
  EXPECT_EQ(lease_.Extend(absl::Hours(1)), RunOut());
}

TEST_P(Leases, EndedByHandFailLaterCallsAndFinishThoseThatRun) {
  auto call = given_.async().Wait();
  ways_.servant->gate.AwaitArrivals(1);
  const absl::Status ended = absl::NotFoundError("the lease was ended");
  lease_.End();
  EXPECT_FALSE(lease_.alive());
  EXPECT_EQ(given_.Add(1, 1).status(), ended);
  EXPECT_EQ(lease_.Extend(absl::Hours(1)), ended);
  ways_.servant->gate.Open();
  EXPECT_EQ(call.Get(), absl::OkStatus());
  time_->Advance(absl::Hours(1));
  EXPECT_EQ(given_.Add(1, 1).status(), ended);  // the first end counts
}

TEST_P(Leases, KeepTheOrderOfCalls) {
  std::vector<Future<void>> notes;
  for (uint32_t i = 0; i < 100; ++i) notes.push_back(given_.async().Note(i));
  const std::vector<uint32_t> entries = given_.Notes().value();
  ASSERT_EQ(entries.size(), 100u);
  for (uint32_t i = 0; i < 100; ++i) EXPECT_EQ(entries[i], i);
}

TEST_P(Leases, HoldWhileTheyAreUsedByManyAndTimePasses) {
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([this] {
      for (int i = 0; i < 50; ++i) EXPECT_EQ(given_.Add(1, 2).value(), 3u);
    });
  }
  for (int i = 0; i < 200; ++i) time_->Advance(absl::Seconds(1));  // less than 5 min in all
  for (std::thread& caller : callers) caller.join();
  AwaitIdle();
  EXPECT_TRUE(lease_.alive());
  time_->Advance(absl::Minutes(5));
  EXPECT_FALSE(lease_.alive());
}

// --- objects ------------------------------------------------------------------------------------

class ALease : public testing::Test {
 protected:
  Lease<kitchen::ListenerProxy> MakeLease(std::shared_ptr<Parrot> parrot) {
    return Lease<kitchen::ListenerProxy>{kitchen::ListenerProxy(std::move(parrot)),
                                         {.duration = absl::Minutes(5), .timers = time_}};
  }

  const std::shared_ptr<ManualTimers> time_ = std::make_shared<ManualTimers>();
};

TEST_F(ALease, IsTenMinutesUnlessToldOtherwise) {
  EXPECT_EQ(LeaseOptions().duration, absl::Minutes(10));
  const Lease<kitchen::CookProxy> lease{kitchen::CookProxy(std::make_shared<Cook>()),
                                        {.timers = time_}};
  EXPECT_EQ(lease.Remaining(), absl::Minutes(10));
}

TEST_F(ALease, LetsGoOfItsObjectWhenItRunsOut) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  auto lease = MakeLease(std::move(parrot));
  Ways ways(Way::kFromPeer);
  const kitchen::CookProxy peer = ways.Give(ways.Object());
  EXPECT_EQ(peer.Keep(lease.proxy()), absl::OkStatus());
  EXPECT_FALSE(gone.ready());
  time_->Advance(absl::Minutes(5));
  EXPECT_EQ(gone.Get(), absl::OkStatus());  // though somebody has the reference
  EXPECT_EQ(ways.servant->Kept()->Heard("x").status(), RunOut());
}

TEST_F(ALease, LetsGoOfItsObjectWhenItIsEnded) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  const auto lease = MakeLease(std::move(parrot));
  const auto given = lease.proxy();
  lease.End();
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  EXPECT_EQ(time_->pending(), 0u);
}

TEST_F(ALease, DoesNotKeepAnObjectToWhichNobodyRefers) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  kitchen::ListenerProxy given;
  {
    const auto lease = MakeLease(std::move(parrot));
    given = lease.proxy();
  }
  EXPECT_EQ(given.Heard("x").value(), "heard x");
  EXPECT_FALSE(gone.ready());
  given = {};
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  EXPECT_EQ(time_->pending(), 0u);
}

TEST_F(ALease, OfNoTimeIsOverAtOnce) {
  for (absl::Duration duration : {absl::ZeroDuration(), absl::Seconds(-1), -kForever}) {
    const Lease<kitchen::CookProxy> lease{kitchen::CookProxy(std::make_shared<Cook>()),
                                          {.duration = duration, .timers = time_}};
    EXPECT_FALSE(lease.alive());
    EXPECT_EQ(lease.proxy().Add(1, 1).status().code(), absl::StatusCode::kNotFound);
  }
}

TEST_F(ALease, OfAllTimeLastsUntilItIsEnded) {
  const Lease<kitchen::CookProxy> lease{kitchen::CookProxy(std::make_shared<Cook>()),
                                        {.duration = kForever, .timers = time_}};
  EXPECT_EQ(time_->pending(), 0u);
  time_->Advance(absl::Hours(24 * 365 * 100));
  EXPECT_EQ(lease.proxy().Add(1, 1).value(), 2u);
  EXPECT_EQ(lease.Remaining(), kForever);
  lease.End();
  EXPECT_FALSE(lease.alive());
}

TEST_F(ALease, OfNoObjectIsNotAlive) {
  const Lease<kitchen::CookProxy> nothing;
  EXPECT_FALSE(nothing.alive());
  EXPECT_FALSE(nothing.proxy());
  EXPECT_EQ(nothing.Remaining(), absl::ZeroDuration());
  EXPECT_EQ(nothing.Extend(absl::Hours(1)).code(), absl::StatusCode::kFailedPrecondition);
  nothing.End();
  const Lease<kitchen::CookProxy> null{kitchen::CookProxy(), {.timers = time_}};
  EXPECT_FALSE(null.alive());
}

TEST_F(ALease, IsTheSameForItsCopies) {
  const auto lease = MakeLease(std::make_shared<Parrot>());
  const auto copy = lease;
  EXPECT_EQ(copy.proxy(), lease.proxy());
  copy.End();
  EXPECT_FALSE(lease.alive());
}

TEST_F(ALease, AnswersTheCallThatEndsIt) {
  class Quitter final : public Cook {
   public:
    Lease<kitchen::CookProxy> own;
    absl::Status Sleep(uint32_t) override {
      own.End();
      return absl::OkStatus();
    }
  };
  auto quitter = std::make_shared<Quitter>();
  quitter->own = Lease<kitchen::CookProxy>{kitchen::CookProxy(quitter), {.timers = time_}};
  const auto given = quitter->own.proxy();
  EXPECT_EQ(given.Sleep(0), absl::OkStatus());
  EXPECT_EQ(given.Sleep(0).code(), absl::StatusCode::kNotFound);
}

TEST_F(ALease, IsCutOffByARevocableInFront) {
  Gate gate;
  const Lease<kitchen::CookProxy> lease{kitchen::CookProxy(std::make_shared<Cook>(gate)),
                                        {.duration = absl::Minutes(5), .timers = time_}};
  Revocable<kitchen::CookProxy> revocable(lease.proxy());
  auto call = revocable.proxy().async().Wait();
  gate.AwaitArrivals(1);
  revocable.Revoke();
  EXPECT_EQ(call.Get(), absl::PermissionDeniedError("the reference was revoked"));
  EXPECT_EQ(lease.Remaining(), absl::Minutes(5));  // the call has ended
}

TEST_F(ALease, OfANamedObjectOutlivesConnections) {
  ConnectionCutter cutter;
  Server server =
      Serve(cutter.Listen(Endpoint::Parse("tcp://127.0.0.1:0").value()), std::make_shared<Cook>())
          .value();
  ASSERT_EQ(server.Export("cart",
                          Lease<kitchen::CookProxy>{kitchen::CookProxy(std::make_shared<Cook>()),
                                                    {.duration = absl::Minutes(5), .timers = time_}}
                              .proxy()),
            absl::OkStatus());
  const auto cart = Connect<kitchen::CookProxy>(server.endpoint().ToString() + "#cart");
  EXPECT_EQ(cart.Note(1), absl::OkStatus());
  cutter.CutAll();
  time_->Advance(absl::Minutes(4));
  while (absl::IsUnavailable(cart.Add(1, 1).status())) std::this_thread::yield();
  EXPECT_THAT(cart.Notes().value(), ElementsAre(1));  // the very same
  // The answer may have come before the call has ended.
  while (cart.Add(1, 1).ok()) time_->Advance(absl::Minutes(5));
  EXPECT_EQ(cart.Add(1, 1).status(), RunOut());
}

TEST_F(ALease, RunsOutByItselfInRealTime) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  const Lease<kitchen::ListenerProxy> lease{kitchen::ListenerProxy(std::move(parrot)),
                                            {.duration = absl::Milliseconds(5)}};
  EXPECT_EQ(WeakProxy<kitchen::ListenerProxy>(lease.proxy()).Died().Get(),
            absl::NotFoundError("the lease ended: not used for 5ms"));
  EXPECT_EQ(gone.Get(), absl::OkStatus());
  EXPECT_FALSE(lease.alive());
}

// A destructor may wait, so it does not run where timers do.
TEST_F(ALease, DestroysItsObjectWhereItMayWait) {
  class Lingering final : public kitchen::ListenerServant {
   public:
    explicit Lingering(Lease<kitchen::ListenerProxy> other) : other_(std::move(other)) {}
    ~Lingering() override {
      const WeakProxy<kitchen::ListenerProxy> weak(other_.proxy());
      done_.Set(weak.Died().Get());
    }
    Future<void> Done() { return done_.future(); }

   private:
    const Lease<kitchen::ListenerProxy> other_;
    Promise<void> done_;
  };
  const Lease<kitchen::ListenerProxy> second{kitchen::ListenerProxy(std::make_shared<Parrot>()),
                                             {.duration = absl::Milliseconds(50)}};
  auto lingering = std::make_shared<Lingering>(second);
  Future<void> done = lingering->Done();
  const Lease<kitchen::ListenerProxy> first{kitchen::ListenerProxy(std::move(lingering)),
                                            {.duration = absl::Milliseconds(1)}};
  EXPECT_EQ(done.Get(), absl::NotFoundError("the lease ended: not used for 50ms"));
}

}  // namespace
}  // namespace drover
