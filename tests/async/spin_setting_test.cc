// For how long waits may poll: what the environment says, and what a runtime is told. The
// environment is read once, so each case has a process of its own.
#include "drover/async/spin_setting.h"

#include <cstdint>
#include <cstdlib>

#include "absl/time/time.h"
#include "drover/async/runtime.h"
#include "gtest/gtest.h"
#include "support/child_process.h"

namespace drover::async {
namespace {

using testing_support::ChildProcess;

constexpr int64_t kMicro = 1000;

// Of a runtime that is not told where DROVER_SPIN is `text`.
::testing::AssertionResult SpinsBy(const char* text, int64_t nanos) {
  ChildProcess child([&] {
    setenv("DROVER_SPIN", text, 1);
    return Runtime().spin_nanos() == nanos ? 0 : 1;
  });
  if (child.Wait() == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << text << "' is not taken for " << nanos << " ns";
}

TEST(SpinSetting, IsFiftyMicrosecondsUnlessSomebodySaysMore) {
  ChildProcess child([] {
    unsetenv("DROVER_SPIN");
    return Runtime().spin_nanos() == 50 * kMicro ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
}

TEST(SpinSetting, IsWhatTheEnvironmentSaysInMicroseconds) {
  EXPECT_TRUE(SpinsBy("0", 0));
  EXPECT_TRUE(SpinsBy("7", 7 * kMicro));
  EXPECT_TRUE(SpinsBy("1000000", 1'000'000 * kMicro));
}

TEST(SpinSetting, IsTheDefaultWhereTheEnvironmentMakesNoSense) {
  for (const char* text : {"", "many", "-1", "1000001", "7.5", "7us"}) {
    EXPECT_TRUE(SpinsBy(text, 50 * kMicro));
  }
}

TEST(SpinSetting, OfARuntimeIsWhatItIsToldWhateverTheEnvironmentSays) {
  ChildProcess child([] {
    setenv("DROVER_SPIN", "7", 1);
    const bool told = Runtime({.spin = absl::Microseconds(9)}).spin_nanos() == 9 * kMicro;
    const bool off = Runtime({.spin = absl::ZeroDuration()}).spin_nanos() == 0;
    return told && off ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
}

TEST(SpinSetting, OfARuntimeStaysWithinItsRange) {
  ChildProcess child([] {
    const bool least = Runtime({.spin = -absl::InfiniteDuration()}).spin_nanos() == 0;
    const bool most =
        Runtime({.spin = absl::InfiniteDuration()}).spin_nanos() == 1'000'000 * kMicro;
    return least && most ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
}

}  // namespace
}  // namespace drover::async
