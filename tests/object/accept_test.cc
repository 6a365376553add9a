// ServerOptions::accept: clients that a server does not take.
#include <unistd.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include "absl/strings/match.h"
#include "drover/base/log.h"
#include "drover/base/mutex.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/cook.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::HasSubstr;
using testing_support::Cook;

class Accept : public testing::Test {
 protected:
  Accept() {
    SetLogSink([this](LogSeverity, std::string_view line) {
      base::MutexLock lock(&mu_);
      log_ += std::string(line) + "\n";
    });
  }
  ~Accept() override { SetLogSink(nullptr); }

  absl::StatusOr<uint32_t> AddAt(const std::string& endpoint, AcceptFilter filter) {
    auto server = Serve(endpoint, std::make_shared<Cook>(), {.accept = std::move(filter)}).value();
    return Connect<kitchen::CookProxy>(server.endpoint()).Add(1, 2);
  }
  // Of a client's call. One that is made once sending has failed is not told the reason.
  absl::Status Refusal(const std::string& endpoint, const AcceptFilter& filter) {
    for (;;) {
      const absl::Status refused = AddAt(endpoint, filter).status();
      if (!absl::StrContains(refused.message(), "the peer closed it")) return refused;
    }
  }
  std::string log() {
    base::MutexLock lock(&mu_);
    return log_;
  }

  testing_support::TempDir dir_;
  base::Mutex mu_;
  std::string log_ ABSL_GUARDED_BY(mu_);
};

TEST_F(Accept, TakesAClientThatTheFilterTakes) {
  EXPECT_EQ(AddAt("unix://" + dir_.path("cook"), AllowUids({getuid()})).value(), 3u);
  EXPECT_EQ(AddAt("tcp://127.0.0.1:0", AllowAddresses({"127.0.0.0/8"}).value()).value(), 3u);
  EXPECT_EQ(AddAt("inproc://cook", AllowAddresses({}).value()).value(), 3u);
}

TEST_F(Accept, TellsARefusedClientWhy) {
  const absl::Status refused = Refusal("unix://" + dir_.path("cook"), AllowUids({getuid() + 1}));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  const std::string reason = "does not take clients of uid " + std::to_string(getuid());
  EXPECT_THAT(std::string(refused.message()), HasSubstr(reason));
  EXPECT_THAT(log(), HasSubstr(reason));
}

TEST_F(Accept, RefusesByAddress) {
  const absl::Status refused = Refusal("tcp://127.0.0.1:0", AllowAddresses({"10.0.0.0/8"}).value());
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("does not take clients from 127.0.0.1:"));
  EXPECT_THAT(log(), HasSubstr("does not take clients from 127.0.0.1:"));
}

TEST_F(Accept, AFilterThatThrowsRefuses) {
  const absl::Status refused =
      Refusal("unix://" + dir_.path("cook"),
              [](const PeerInfo&) -> absl::Status { throw std::runtime_error("no idea"); });
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("no idea"));
}

TEST_F(Accept, IsAskedForEachConnection) {
  std::atomic<int> asked{0};
  auto server = Serve("unix://" + dir_.path("cook"), std::make_shared<Cook>(),
                      {.accept =
                           [&](const PeerInfo& peer) {
                             EXPECT_EQ(peer.pid, getpid());
                             if (++asked == 2)
                               return absl::PermissionDeniedError("every second one");
                             return absl::OkStatus();
                           }})
                    .value();
  EXPECT_EQ(Connect<kitchen::CookProxy>(server.endpoint()).Add(1, 2).status(), absl::OkStatus());
  EXPECT_EQ(Connect<kitchen::CookProxy>(server.endpoint()).Add(1, 2).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Connect<kitchen::CookProxy>(server.endpoint()).Add(1, 2).status(), absl::OkStatus());
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace drover
