#include "drover/async/busy_connections.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace drover::async {
namespace {

constexpr int kFewCpus = 2;
constexpr int64_t kWindow = BusyConnections::kWindowNanos;
constexpr int64_t kStart = 1000 * kWindow;

// So many connections, which all have input every tenth of a window.
class Traffic {
 public:
  Traffic(BusyConnections& busy, int connections) : busy_(busy), last_(connections, kStart) {}

  void Run(int64_t nanos) {
    for (const int64_t end = now_ + nanos; now_ < end; now_ += kWindow / 10) {
      for (int64_t& last : last_) {
        busy_.NoteInput(last, now_);
        last = now_;
      }
    }
  }
  int64_t now() const { return now_; }

 private:
  BusyConnections& busy_;
  std::vector<int64_t> last_;
  int64_t now_ = kStart + 1;
};

TEST(BusyConnections, AreApartAsLongAsFewAreBusyHoweverBusyTheyAre) {
  BusyConnections busy(kFewCpus);
  EXPECT_FALSE(busy.together());
  Traffic(busy, BusyConnections::kMostApartWhereTogether).Run(100 * kWindow);
  EXPECT_FALSE(busy.together());
}

TEST(BusyConnections, AreTogetherOnceMoreAreBusy) {
  BusyConnections busy(kFewCpus);
  Traffic(busy, BusyConnections::kMostApartWhereTogether + 1).Run(3 * kWindow);
  EXPECT_TRUE(busy.together());
  EXPECT_FALSE(busy.BeginApart());
}

TEST(BusyConnections, AreTogetherCountingThoseWithAThread) {
  BusyConnections busy(kFewCpus);
  for (int i = 0; i < BusyConnections::kMostApartWhereTogether; ++i) {
    EXPECT_TRUE(busy.BeginApart());
  }
  EXPECT_FALSE(busy.BeginApart());
  Traffic(busy, 1).Run(3 * kWindow);
  EXPECT_TRUE(busy.together());
}

TEST(BusyConnections, GiveEachOfTheirPlacesBackOnceWhoeverHasItThen) {
  BusyConnections& busy = BusyConnections::Get();
  ASSERT_EQ(busy.apart(), 0);
  {
    PlaceApart first, second;
    EXPECT_TRUE(first.Take());
    EXPECT_TRUE(first.Take());  // the one that it has
    EXPECT_EQ(busy.apart(), 1);
    second = std::move(first);
    first.GiveBack();
    EXPECT_EQ(busy.apart(), 1);
    second.GiveBack();
    EXPECT_EQ(busy.apart(), 0);
    EXPECT_TRUE(second.Take());
  }
  EXPECT_EQ(busy.apart(), 0);
}

TEST(BusyConnections, StayTogetherWhileTheyReturnFromTheirThreads) {
  BusyConnections busy(kFewCpus);
  ASSERT_TRUE(busy.BeginApart());
  ASSERT_TRUE(busy.BeginApart());
  Traffic traffic(busy, 1);
  traffic.Run(3 * kWindow);
  busy.EndApart();
  busy.EndApart();
  traffic.Run(BusyConnections::kTogetherNanos / 2);
  EXPECT_TRUE(busy.together());
}

TEST(BusyConnections, AreApartAgainSomeTimeAfterFewAreBusy) {
  BusyConnections busy(kFewCpus);
  Traffic(busy, 8).Run(3 * kWindow);
  ASSERT_TRUE(busy.together());
  Traffic(busy, 1).Run(2 * BusyConnections::kTogetherNanos);
  EXPECT_FALSE(busy.together());
  EXPECT_TRUE(busy.BeginApart());
}

TEST(BusyConnections, AreApartAgainWhereThoseThatWereBusyAreGone) {
  BusyConnections busy(kFewCpus);
  Traffic traffic(busy, 8);
  traffic.Run(3 * kWindow);
  ASSERT_TRUE(busy.together());
  // Others have input now and then, which is no sign of being busy.
  busy.NoteTurn(BusyConnections::kLongTurnNanos / 2, traffic.now());
  EXPECT_TRUE(busy.together());
  busy.NoteTurn(BusyConnections::kLongTurnNanos / 2,
                traffic.now() + BusyConnections::kTogetherNanos);
  EXPECT_FALSE(busy.together());
}

TEST(BusyConnections, AreNeverTogetherWithManyCpus) {
  BusyConnections busy(BusyConnections::kMostCpusTogether + 1);
  Traffic(busy, 100).Run(10 * kWindow);
  EXPECT_FALSE(busy.together());
  for (int i = 0; i < BusyConnections::kMostApart; ++i) EXPECT_TRUE(busy.BeginApart());
  EXPECT_FALSE(busy.BeginApart());
}

TEST(BusyConnections, AreApartForAWhileIfTheirTurnsAreLong) {
  BusyConnections busy(kFewCpus);
  Traffic traffic(busy, 8);
  traffic.Run(3 * kWindow);
  ASSERT_TRUE(busy.together());
  for (int i = 0; i < BusyConnections::kLongTurns; ++i) {
    busy.NoteTurn(2 * BusyConnections::kLongTurnNanos, traffic.now());
  }
  EXPECT_FALSE(busy.together());
  traffic.Run(BusyConnections::kApartNanos / 2);
  EXPECT_FALSE(busy.together());
  traffic.Run(BusyConnections::kApartNanos);
  EXPECT_TRUE(busy.together());
}

TEST(BusyConnections, AreTogetherThoughATurnIsLongNowAndThen) {
  BusyConnections busy(kFewCpus);
  Traffic traffic(busy, 8);
  traffic.Run(3 * kWindow);
  for (int i = 0; i < 10 * BusyConnections::kLongTurns; ++i) {
    busy.NoteTurn(2 * BusyConnections::kLongTurnNanos, traffic.now());
    busy.NoteTurn(BusyConnections::kLongTurnNanos / 2, traffic.now());
  }
  EXPECT_TRUE(busy.together());
}

}  // namespace
}  // namespace drover::async
