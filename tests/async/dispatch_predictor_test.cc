#include "drover/async/dispatch_predictor.h"

#include <gtest/gtest.h>

#include "drover/async/run_watch.h"

namespace drover::async {
namespace {

using Record = DispatchPredictor::Record;
using Key = DispatchPredictor::Key;

constexpr uint64_t kInterface = 0xe4f1c2ab5d90773f;
constexpr int kCautious = DispatchPredictor::kCautious;

Record AfterQuick(Record record, int calls) {
  for (int i = 0; i < calls; ++i) record = record.After(Outcome::kQuick);
  return record;
}

Record AfterBlocked(Record record, int calls) {
  for (int i = 0; i < calls; ++i) record = record.After(Outcome::kBlocked);
  return record;
}

Dispatch Choose(Record record) { return record.Choose(/*others_wait=*/false); }

TEST(DispatchRecord, OfAMethodThatNeverBlockedIsClean) {
  EXPECT_TRUE(Record().clean());
  EXPECT_TRUE(AfterQuick(Record(), 1000).clean());
  EXPECT_EQ(Choose(Record()), Dispatch::kInline);
}

TEST(DispatchRecord, OfAMethodThatBlockedOnceLendsItsNextCallsAndNoMore) {
  Record record = AfterBlocked(Record(), 1);
  for (int i = 0; i < kCautious; ++i) {
    EXPECT_EQ(Choose(record), Dispatch::kLend) << i;
    record = record.After(Outcome::kQuick);
  }
  EXPECT_EQ(Choose(record), Dispatch::kInline);
  EXPECT_TRUE(record.clean());
}

TEST(DispatchRecord, OfAMethodThatBlocksTwiceInARowSendsItToThePool) {
  EXPECT_EQ(Choose(AfterBlocked(Record(), 2)), Dispatch::kPool);
}

TEST(DispatchRecord, OfASlowMethodThatIsQuickTwiceInARowLendsItAgain) {
  const Record slow = AfterBlocked(Record(), 1000);
  EXPECT_EQ(Choose(AfterQuick(slow, 1)), Dispatch::kPool);
  EXPECT_EQ(Choose(AfterQuick(slow, 2)), Dispatch::kLend);
}

TEST(DispatchRecord, OfASlowMethodThatIsQuickAgainIsCleanInTheEnd) {
  const Record slow = AfterBlocked(Record(), 1'000'000);
  EXPECT_TRUE(AfterQuick(slow, DispatchPredictor::kMostCautious).clean());
}

// One call in a hundred blocks: none of them keeps others waiting, and the quick ones wake nobody.
TEST(DispatchRecord, OfAMethodThatBlocksNowAndThenLendsEachOfItsCalls) {
  Record record = AfterBlocked(Record(), 1);
  for (int call = 1; call < 100'000; ++call) {
    ASSERT_EQ(Choose(record), Dispatch::kLend) << call;
    record = record.After(call % 100 == 0 ? Outcome::kBlocked : Outcome::kQuick);
  }
}

TEST(DispatchRecord, OfAMethodThatBlocksRarelyLeavesMostOfItsCallsInline) {
  Record record;
  int careful = 0;
  for (int call = 0; call < 100'000; ++call) {
    careful += Choose(record) != Dispatch::kInline;
    record = record.After(call % 10'000 == 0 ? Outcome::kBlocked : Outcome::kQuick);
  }
  EXPECT_EQ(careful, 10 * kCautious);
}

// What has been read already is not helped by lending the reading.
TEST(DispatchRecord, SendsToThePoolBeforeCallsThatWaitOnlyWhatHasBlockedMoreThanOnce) {
  Record record = AfterBlocked(Record(), 1);
  EXPECT_EQ(record.Choose(/*others_wait=*/true), Dispatch::kInline);
  record = AfterBlocked(AfterQuick(record, 1), 1);
  EXPECT_EQ(record.Choose(/*others_wait=*/false), Dispatch::kLend);
  EXPECT_EQ(record.Choose(/*others_wait=*/true), Dispatch::kPool);
}

TEST(DispatchPredictor, KeepsMethodsApart) {
  DispatchPredictor predictor;
  for (uint16_t method = 0; method < 4; ++method) {
    for (int i = 0; i < method; ++i) {
      predictor.Note(DispatchPredictor::KeyOf(kInterface, method), Outcome::kBlocked);
    }
  }
  for (uint16_t method = 0; method < 4; ++method) {
    EXPECT_EQ(predictor.Of(DispatchPredictor::KeyOf(kInterface, method)).bits(),
              AfterBlocked(Record(), method).bits());
  }
}

TEST(DispatchPredictor, OfTwoMethodsInOnePlaceKnowsTheOneThatBlocksMoreOften) {
  DispatchPredictor predictor;
  const Key rare = uint64_t{1} << 30 | 1, often = uint64_t{2} << 30 | 1;  // both in the first place
  for (int round = 0; round < 20; ++round) {
    predictor.Note(rare, Outcome::kBlocked);
    for (int i = 0; i < 20; ++i) predictor.Note(often, Outcome::kBlocked);
  }
  EXPECT_TRUE(predictor.Of(rare).clean());
  EXPECT_EQ(Choose(predictor.Of(often)), Dispatch::kPool);
}

TEST(DispatchPredictor, ForgetsNothingOfAMethodWhenAnotherInItsPlaceIsQuick) {
  DispatchPredictor predictor;
  const Key slow = uint64_t{1} << 30 | 1, quick = uint64_t{2} << 30 | 1;
  predictor.Note(slow, Outcome::kBlocked);
  for (int i = 0; i < 1000; ++i) predictor.Note(quick, Outcome::kQuick);
  EXPECT_EQ(predictor.Of(slow).bits(), AfterBlocked(Record(), 1).bits());
}

// However many objects there are: it is one table for all of a runtime.
TEST(DispatchPredictor, TakesFourKiB) { EXPECT_EQ(sizeof(DispatchPredictor), 4096u); }

TEST(RunWatch, CallsBlockedWhatWaitsInDrover) {
  DispatchPredictor predictor;
  const Key key = DispatchPredictor::KeyOf(kInterface, 0);
  {
    const RunWatch watch(&predictor, key);
    const BlockingScope wait;
  }
  EXPECT_EQ(predictor.Of(key).bits(), AfterBlocked(Record(), 1).bits());
}

TEST(RunWatch, CallsBlockedWhatTakesLong) {
  DispatchPredictor predictor;
  const Key key = DispatchPredictor::KeyOf(kInterface, 0);
  {
    const RunWatch watch(&predictor, key);
    const int64_t began = SteadyNanos();
    while (SteadyNanos() - began <= RunWatch::kQuickNanos) {
    }
  }
  EXPECT_EQ(predictor.Of(key).bits(), AfterBlocked(Record(), 1).bits());
}

}  // namespace
}  // namespace drover::async
