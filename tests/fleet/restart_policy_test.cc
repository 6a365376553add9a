#include "drover/fleet/restart_policy.h"

#include <deque>
#include <random>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover::fleet {
namespace {

using Action = RestartPolicy::Action;
using Exit = RestartPolicy::Exit;

const absl::Time kStart = absl::UnixEpoch();
int Code(int code) { return code << 8; }  // a wait status

TEST(RestartPolicy, EveryModeMeetsEveryExitAsOtpSays) {
  struct {
    RestartMode mode;
    Exit exit;
    Action action;
  } const rules[] = {
      {RestartMode::kPermanent, Exit::kNormal, Action::kRestart},
      {RestartMode::kPermanent, Exit::kFailure, Action::kRestart},
      {RestartMode::kPermanent, Exit::kDoNotRestart, Action::kGiveUp},
      {RestartMode::kTransient, Exit::kNormal, Action::kStayDown},
      {RestartMode::kTransient, Exit::kFailure, Action::kRestart},
      {RestartMode::kTransient, Exit::kDoNotRestart, Action::kGiveUp},
      {RestartMode::kTemporary, Exit::kNormal, Action::kStayDown},
      {RestartMode::kTemporary, Exit::kFailure, Action::kGiveUp},
      {RestartMode::kTemporary, Exit::kDoNotRestart, Action::kGiveUp},
  };
  for (const auto& rule : rules) {
    RestartPolicy policy({.mode = rule.mode});
    EXPECT_EQ(policy.OnExit(rule.exit, kStart).action, rule.action)
        << static_cast<int>(rule.mode) << " " << static_cast<int>(rule.exit);
  }
}

TEST(RestartPolicy, ClassifiesWaitStatuses) {
  EXPECT_EQ(RestartPolicy::Classify(Code(0)), Exit::kNormal);
  EXPECT_EQ(RestartPolicy::Classify(Code(125)), Exit::kDoNotRestart);
  for (int code = 1; code < 256; ++code) {
    if (code != 125) {
      EXPECT_EQ(RestartPolicy::Classify(Code(code)), Exit::kFailure) << code;
    }
  }
  for (int signal = 1; signal < 65; ++signal) {
    EXPECT_EQ(RestartPolicy::Classify(signal), Exit::kFailure) << signal;
  }
}

TEST(RestartPolicy, DocumentedDefaultsAreTheRealOnes) {
  const RestartOptions options;
  EXPECT_EQ(options.mode, RestartMode::kTransient);
  EXPECT_EQ(options.intensity, 10);
  EXPECT_EQ(options.period, absl::Seconds(60));
  EXPECT_EQ(options.initial_backoff, absl::Milliseconds(100));
  EXPECT_EQ(options.max_backoff, absl::Seconds(10));
  EXPECT_TRUE(RestartPolicy::Validate(options).ok());
}

TEST(RestartPolicy, FirstRestartIsImmediateAndTheRestBackOffToTheCap) {
  RestartPolicy policy({.intensity = 10});
  const double expected[] = {0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10};
  for (const double seconds : expected) {
    const RestartPolicy::Decision d = policy.OnExit(Exit::kFailure, kStart);
    EXPECT_EQ(d.action, Action::kRestart);
    EXPECT_EQ(d.delay, absl::Seconds(seconds));
  }
  EXPECT_EQ(policy.OnExit(Exit::kFailure, kStart).action, Action::kGiveUp);
}

TEST(RestartPolicy, ForgetsRestartsOlderThanThePeriod) {
  RestartPolicy policy({.intensity = 2, .period = absl::Seconds(5)});
  auto at = [&](double s) { return policy.OnExit(Exit::kFailure, kStart + absl::Seconds(s)); };
  EXPECT_EQ(at(0).delay, absl::ZeroDuration());
  EXPECT_EQ(at(1).delay, absl::Milliseconds(100));
  EXPECT_EQ(at(5).delay, absl::Milliseconds(100));  // the one at 0 s is forgotten
  EXPECT_EQ(at(5.9).action, Action::kGiveUp);       // 1 s and 5 s count
  EXPECT_EQ(at(20).delay, absl::ZeroDuration());    // as if it never had failed
}

TEST(RestartPolicy, IntensityZeroMakesTheFirstFailureFinal) {
  RestartPolicy policy({.intensity = 0});
  EXPECT_EQ(policy.OnExit(Exit::kFailure, kStart).action, Action::kGiveUp);
}

TEST(RestartPolicy, WithoutBackoffItIsAlwaysImmediate) {
  RestartPolicy policy({.intensity = 1000,
                        .initial_backoff = absl::ZeroDuration(),
                        .max_backoff = absl::ZeroDuration()});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(policy.OnExit(Exit::kFailure, kStart).delay, absl::ZeroDuration());
  }
}

TEST(RestartPolicy, RefusesOptionsOutOfRangeNamingTheField) {
  auto error = [](const RestartOptions& options) {
    const absl::Status status = RestartPolicy::Validate(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(error({.intensity = -1}), ::testing::HasSubstr("intensity"));
  EXPECT_THAT(error({.period = absl::ZeroDuration()}), ::testing::HasSubstr("period"));
  EXPECT_THAT(error({.initial_backoff = absl::Seconds(-1)}),
              ::testing::HasSubstr("initial_backoff"));
  EXPECT_THAT(error({.max_backoff = absl::Milliseconds(1)}), ::testing::HasSubstr("max_backoff"));
}

// Against the definition, by brute force: never more than `intensity` restarts in any period, and
// never a refusal while there is room.
TEST(RestartPolicy, KeepsToTheIntensityInEveryPeriod) {
  std::mt19937 random(7);
  for (int run = 0; run < 300; ++run) {
    const int intensity = random() % 6;
    const absl::Duration period = absl::Seconds(1 + random() % 10);
    RestartPolicy policy({.intensity = intensity, .period = period});
    std::deque<absl::Time> model;
    absl::Time now = kStart;
    for (int i = 0; i < 200; ++i) {
      now += absl::Milliseconds(random() % 4000);
      int recent = 0;
      for (const absl::Time t : model) recent += t > now - period;
      const RestartPolicy::Decision d = policy.OnExit(Exit::kFailure, now);
      ASSERT_EQ(d.action == Action::kRestart, recent < intensity);
      if (d.action == Action::kRestart) {
        ASSERT_EQ(d.delay == absl::ZeroDuration(), recent == 0);
        model.push_back(now);
      }
    }
  }
}

}  // namespace
}  // namespace drover::fleet
