// Calls that wait for a server which is not up yet, and calls that do not.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing_support;  // NOLINT: the tests' own

class Ready : public testing::TestWithParam<const char*> {
 protected:
  Ready() {
    const std::string kind = GetParam();
    if (kind == "unix") endpoint_ = "unix://" + dir_.path("cook");
    if (kind == "inproc") endpoint_ = "inproc://ready";
    // A port of the kernel's that is free again.
    if (kind == "tcp") endpoint_ = ServeAt("tcp://127.0.0.1:0").endpoint().ToString();
  }

  Server ServeAt(const std::string& endpoint) { return Serve(endpoint, servant_).value(); }
  void Start() { server_ = ServeAt(endpoint_); }
  kitchen::CookProxy Proxy(ConnectOptions options = {}) {
    options.wait_for_ready = true;
    return Connect<kitchen::CookProxy>(endpoint_, options);
  }

  TempDir dir_;
  std::string endpoint_;
  const std::shared_ptr<Cook> servant_ = std::make_shared<Cook>();
  std::optional<Server> server_;
};

INSTANTIATE_TEST_SUITE_P(Over, Ready, testing::Values("unix", "tcp", "inproc"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Ready, ACallWaitsForItsServer) {
  auto proxy = Proxy();
  auto sum = proxy.async().Add(1, 2);
  EXPECT_FALSE(sum.ready());
  Start();
  EXPECT_EQ(sum.Get().value(), 3u);
  EXPECT_EQ(proxy.Add(3, 4).value(), 7u);
}

TEST_P(Ready, ABlockingCallWaitsToo) {
  auto proxy = Proxy();
  std::thread later([this] { Start(); });
  EXPECT_EQ(proxy.Add(1, 2).value(), 3u);
  later.join();
}

TEST_P(Ready, CallsThatWaitKeepTheirOrder) {
  auto proxy = Proxy();
  std::vector<Future<void>> notes;
  for (uint32_t i = 0; i < 3; ++i) notes.push_back(proxy.async().Note(i));
  auto all = proxy.async().Notes();
  Start();
  EXPECT_THAT(all.Get().value(), ElementsAre(0, 1, 2));
  for (auto& note : notes) EXPECT_EQ(note.Get(), absl::OkStatus());
}

TEST_P(Ready, ACallWaitsForAServerThatCameAndWent) {
  auto proxy = Proxy();
  Start();
  EXPECT_EQ(proxy.Add(1, 2).value(), 3u);
  server_.reset();
  auto sum = proxy.async().Add(3, 4);
  Start();
  absl::StatusOr<uint32_t> result = sum.Get();
  // It may have left on the old connection before anybody noticed that this had ended.
  if (absl::IsUnavailable(result.status())) result = proxy.Add(3, 4);
  EXPECT_EQ(result.value(), 7u);
}

TEST_P(Ready, ACallThatIsCancelledDoesNotRunLater) {
  auto proxy = Proxy();
  auto note = proxy.async().Note(1);
  auto all = proxy.async().Notes();
  note.Cancel();
  EXPECT_EQ(note.Get().code(), absl::StatusCode::kCancelled);
  Start();
  EXPECT_THAT(all.Get().value(), ElementsAre());
}

TEST_P(Ready, ACallNeedsNoProxyWhileItWaits) {
  auto sum = Proxy().async().Add(1, 2);
  Start();
  EXPECT_EQ(sum.Get().value(), 3u);
}

TEST_P(Ready, ACallWaitsNoLongerThanTheTimeout) {
  auto proxy = Proxy({.ready_timeout = absl::Milliseconds(5)});
  const absl::Status status = proxy.Add(1, 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not ready within 5ms"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Cook.add"));
  EXPECT_EQ(proxy.Add(1, 2).status().code(), absl::StatusCode::kUnavailable);
}

TEST_P(Ready, WithoutWaitingACallFailsAtOnceAndTheNextOneDials) {
  auto proxy = Connect<kitchen::CookProxy>(endpoint_);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(proxy.Add(1, 2).status().code(), absl::StatusCode::kUnavailable);
  }
  Start();
  EXPECT_EQ(proxy.Add(1, 2).value(), 3u);
}

absl::Status CallOf(const std::string& endpoint) {
  return Connect<kitchen::CookProxy>(endpoint, {.wait_for_ready = true}).Add(1, 2).status();
}

TEST(ReadyNever, WhatCannotMendItselfFailsAtOnce) {
  EXPECT_EQ(CallOf("tcp://127.0.0.1:0").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CallOf("fifo:///tmp/fifo").code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CallOf("nonsense").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CallOf("fd:1000000").code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ReadyDefaults, AreTheDocumentedOnes) {
  EXPECT_FALSE(ConnectOptions().wait_for_ready);
  EXPECT_EQ(ConnectOptions().ready_timeout, absl::InfiniteDuration());
}

}  // namespace
}  // namespace drover
