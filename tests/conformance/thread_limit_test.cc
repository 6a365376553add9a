// RuntimeOptions::max_threads: calls for which there is no thread are refused, and no others.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/temp_dir.h"
#include "support/until.h"

namespace drover {
namespace {

using namespace testing_support;  // NOLINT: the tests' own

class ThreadLimit : public testing::TestWithParam<int> {
 protected:
  TempDir dir_;
  Runtime runtime_{{.max_threads = GetParam()}};
  const std::shared_ptr<Cook> servant_ = std::make_shared<Cook>();
  Server server_ = Serve("unix://" + dir_.path("cook"), servant_, {.runtime = &runtime_}).value();
};

INSTANTIATE_TEST_SUITE_P(Of, ThreadLimit, testing::Values(1, 2, 4));

TEST_P(ThreadLimit, IsEnoughForCallsThatComeBack) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([this] {
      auto cook = Connect<kitchen::CookProxy>(server_.endpoint());
      // Many in a row, so that the connection is a busy one.
      for (uint32_t i = 0; i < 500; ++i) {
        absl::StatusOr<uint32_t> sum = cook.Add(i, 1);
        // A call that the scheduler holds up counts as one that does not come back, for a moment.
        // If the runtime's own readers counted, calls would be refused for ever.
        while (sum.status().code() == absl::StatusCode::kResourceExhausted) sum = cook.Add(i, 1);
        EXPECT_EQ(sum.value(), i + 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(ThreadLimit, RefusesCallsBeyondIt) {
  auto cook = Connect<kitchen::CookProxy>(server_.endpoint());
  std::vector<Future<void>> waits;
  while (servant_->gate.arrivals() < GetParam()) {
    Future<void> wait = cook.async().Wait();
    const int arrived = static_cast<int>(waits.size());
    // It may be refused for what the scheduler holds up, as above.
    testing_support::Until([&] { return servant_->gate.arrivals() > arrived || wait.ready(); });
    if (!wait.ready()) waits.push_back(std::move(wait));
  }
  EXPECT_EQ(cook.Wait().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cook.Add(1, 1).status().code(), absl::StatusCode::kResourceExhausted);
  servant_->gate.Open();
  for (auto& wait : waits) EXPECT_EQ(wait.Get(), absl::OkStatus());
  // The threads are free a moment after the answers are sent.
  absl::StatusOr<uint32_t> sum = cook.Add(1, 1);
  while (sum.status().code() == absl::StatusCode::kResourceExhausted) sum = cook.Add(1, 1);
  EXPECT_EQ(sum.value(), 2u);
}

}  // namespace
}  // namespace drover
