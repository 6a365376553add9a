#include "drover/fleet/status_page.h"

#include <sched.h>
#include <signal.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/child_process.h"

namespace drover::fleet {
namespace {

using testing_support::ChildProcess;

TEST(StatusPage, ShowsInOneProcessWhatAnotherWrote) {
  StatusPage page = *StatusPage::Map(3);
  EXPECT_EQ(page.slots(), 3);
  EXPECT_EQ(page.slot(2).pid, 0);
  EXPECT_FALSE(page.slot(2).last_wait_status.has_value());
  EXPECT_FALSE(page.result().has_value());
  ChildProcess writer([&] {
    page.SetSlot(2, {.pid = 7, .state = SlotState::kReady, .restarts = 4, .last_wait_status = 9});
    page.SetEndpoint(1, "unix:///w");
    page.SetResult(absl::AbortedError("why"));
    return 0;
  });
  writer.Wait();
  const SlotStatus slot = page.slot(2);
  EXPECT_EQ(slot.pid, 7);
  EXPECT_EQ(slot.state, SlotState::kReady);
  EXPECT_EQ(slot.restarts, 4);
  EXPECT_EQ(slot.last_wait_status, 9);
  EXPECT_EQ(page.endpoint(1), "unix:///w");
  EXPECT_EQ(page.endpoint(2), "");
  EXPECT_EQ(*page.result(), absl::AbortedError("why"));
}

TEST(StatusPage, CutsAMessageThatIsTooLong) {
  StatusPage page = *StatusPage::Map(1);
  page.SetResult(absl::InternalError(std::string(10000, 'x')));
  EXPECT_EQ(page.result()->code(), absl::StatusCode::kInternal);
  EXPECT_GT(page.result()->message().size(), 1000u);
}

TEST(StatusPage, ASlotIsNeverSeenHalfWritten) {
  StatusPage page = *StatusPage::Map(1);
  page.SetSlot(0, {.pid = 1, .restarts = 1, .last_wait_status = 1});
  ChildProcess writer([&] {
    for (int i = 1;; i = i % 1000000 + 1) {
      page.SetSlot(0, {.pid = i, .restarts = i, .last_wait_status = i});
      for (int n = 0; n < 30; ++n) page.slot(0);  // as in life: seldom written, often read
      if (i % 64 == 0) sched_yield();             // lets the reader run where there is one CPU
    }
    return 0;
  });
  int changes = 0;
  for (int last = 0; changes < 300;) {
    const SlotStatus slot = page.slot(0);
    ASSERT_EQ(slot.pid, slot.restarts);
    ASSERT_EQ(slot.pid, slot.last_wait_status);
    changes += slot.pid != last;
    last = slot.pid;
  }
  writer.Kill(SIGKILL);
}

TEST(StatusPage, IsReadableAfterItsWriterWasKilled) {
  StatusPage page = *StatusPage::Map(1);
  for (int i = 0; i < 5; ++i) {
    testing_support::Pipe up;
    ChildProcess writer([&] {
      up.Send("up");
      for (int n = 0;; ++n) page.SetSlot(0, {.pid = 5, .restarts = n});
      return 0;
    });
    up.Receive();
    writer.Kill(SIGKILL);
    EXPECT_THAT(page.slot(0).pid, ::testing::AnyOf(0, 5));
  }
}

}  // namespace
}  // namespace drover::fleet
