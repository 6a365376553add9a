#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "drover/base/fork_generation.h"
#include "drover/base/log.h"
#include "drover/base/ref.h"
#include "drover/base/status_macros.h"
#include "drover/base/strong_id.h"
#include "drover/base/thread_count.h"
#include "drover/base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

TEST(UniqueFd, ClosesWhenItsOwnerGoes) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  base::UniqueFd reader(fds[0]);
  { base::UniqueFd writer(fds[1]); }
  char byte;
  EXPECT_EQ(read(reader.get(), &byte, 1), 0);  // end of file: the only writer is closed
}

struct Counted : base::RefCounted {
  explicit Counted(int* gone) : gone(gone) {}
  ~Counted() override { ++*gone; }
  int* gone;
};

TEST(Ref, DeletesOnceWhenTheLastReferenceGoes) {
  int gone = 0;
  {
    base::Ref<Counted> a = base::MakeRef<Counted>(&gone);
    base::Ref<Counted> b = a;
    a = nullptr;
    EXPECT_EQ(gone, 0);
    EXPECT_TRUE(b->TryRef());
    b->Unref();
  }
  EXPECT_EQ(gone, 1);
}

absl::StatusOr<int> Doubled(absl::StatusOr<int> in) {
  DROVER_ASSIGN_OR_RETURN(int value, std::move(in));
  DROVER_RETURN_IF_ERROR(value < 100 ? absl::OkStatus() : absl::OutOfRangeError("too large"));
  return 2 * value;
}

TEST(StatusMacros, ReturnTheFirstError) {
  EXPECT_EQ(*Doubled(4), 8);
  EXPECT_EQ(Doubled(absl::NotFoundError("x")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Doubled(100).status().code(), absl::StatusCode::kOutOfRange);
}

TEST(ForkGeneration, GrowsInTheChildOnly) {
  const uint32_t before = base::ForkGeneration();
  const pid_t child = fork();
  if (child == 0) _exit(base::ForkGeneration() == before + 1 ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(base::ForkGeneration(), before);
}

TEST(ThreadCount, ForgetsTheThreadsOfTheParentInAChild) {
  base::ThreadCount count;
  EXPECT_EQ(count.Enter(), 1);
  EXPECT_EQ(count.Enter(), 2);
  const pid_t child = fork();
  if (child == 0) {
    bool right = count.value() == 0;
    count.Leave();  // the thread that forked, if it was one of them
    right = right && count.value() == 0;
    right = right && count.Enter() == 1 && count.Enter() == 2;
    count.Leave();
    _exit(right && count.value() == 1 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(count.value(), 2);
  count.Leave();
  count.Leave();
  EXPECT_EQ(count.value(), 0);
}

TEST(ThreadCount, CountsEachThreadOfAChildThatFindsTheCountOfItsParent) {
  base::ThreadCount count;
  count.Enter();
  const pid_t child = fork();
  if (child == 0) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&count] { count.Enter(); });
    for (std::thread& thread : threads) thread.join();
    _exit(count.value() == 8 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Log, WritesOnlyWhatIsSevereEnough) {
  std::vector<std::string> lines;
  SetLogSink([&](LogSeverity, std::string_view line) { lines.emplace_back(line); });
  SetMinLogSeverity(LogSeverity::kWarning);
  DROVER_LOG(kInfo) << "quiet";
  DROVER_LOG(kWarning) << "loud " << 7;
  SetLogSink(nullptr);
  EXPECT_THAT(lines, testing::ElementsAre(testing::HasSubstr("loud 7")));
}

}  // namespace
}  // namespace drover
